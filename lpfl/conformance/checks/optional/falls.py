"""Drives in which an optimizer with an option must not raise, stand still or lose its numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.joint.late_options import added_later
from lpfl.conformance.checks.optional.off import words_of
from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.signatures import Undrivable, told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject

PAIR = ((6, 4), (6, 4))
STEPS = 14
WAIT = 3
"""Steps before the second parameter has a gradient, or is there."""
LACKING = (2, 3, 6)
"""Steps in which the second parameter has none."""
Drive = Callable[[Subject, Mapping[str, Any], Start, Gradients], Session]


@dataclass(frozen=True)
class Fall:
    """A drive: its words, continuing "A run ...", itself, and its program, from begin to step."""

    says: str
    drive: Drive
    text: str


def _lacking(steps: tuple[int, ...]) -> Drive:
    def drive(
        subject: Subject, options: Mapping[str, Any], start: Start, gradients: Gradients
    ) -> Session:
        session = subject.open(start, options=options)
        for t, row in enumerate(gradients):
            session.step([row[0], None if t in steps else row[1]])
        return session

    return drive


def _lacking_text(steps: tuple[int, ...]) -> str:
    return f"""
    optimizer, params = begin(start, **options)
    for t, g in enumerate(gradients):
        step(optimizer, params, [g[0], None if t in {steps} else g[1]])"""


def _added(
    subject: Subject, options: Mapping[str, Any], start: Start, gradients: Gradients
) -> Session:
    return added_later(subject, start, gradients, options, WAIT)


ADDED = f"""
    optimizer, params = begin(start[:1], **options)
    for g in gradients[:{WAIT}]:
        step(optimizer, params, g[:1])
    params.append(torch.nn.Parameter(start[1].clone()))
    optimizer.add_param_group({{"params": params[1:]}})
    for g in gradients[{WAIT}:]:
        step(optimizer, params, g)"""
AT_FIRST = tuple(range(WAIT))
FALLS = (
    Fall(
        f"in which the first gradient of a parameter comes {WAIT} steps late",
        _lacking(AT_FIRST),
        _lacking_text(AT_FIRST),
    ),
    Fall(
        "in which a parameter has no gradient in some steps",
        _lacking(LACKING),
        _lacking_text(LACKING),
    ),
    Fall(f"to which a group is added after {WAIT} steps", _added, ADDED),
)


def fallen(
    subject: Subject, check_id: str, fall: Fall, options: Mapping[str, Any]
) -> CheckResult | None:
    """Return what is found in a drive under an option; None if nothing is.

    Also where the ordinary run on the same weights raises, ends in no numbers or moves nothing.
    """
    start, gradients = subject.draw(PAIR, STEPS, check_id)
    try:
        usual = subject.run(start, gradients, options=options)
    except Exception:
        return None
    if not (usual.finite and _all_moved(usual.end, usual.values[0])):
        return None
    try:
        ends = fall.drive(subject, options, start, gradients).values()
    except Undrivable:
        return None
    except Exception as error:
        if _written(subject.open(start[:1], options=options), error):
            return None
        outcome = Outcome.VARIANT if says_so(error) else Outcome.LIMIT
        said = f"raises {told(error).rstrip('.')}"
        return _answer(subject, check_id, fall, options, outcome, said, type(error).__name__)
    finite = all(bool(v.isfinite().all()) for v in ends)
    if finite and _all_moved(ends, usual.values[0]):
        return None
    said = "leaves a parameter where it was" if finite else "ends in no numbers"
    return _answer(subject, check_id, fall, options, Outcome.LIMIT, said, "fine: False")


def _all_moved(ends: Start, start: Start) -> bool:
    return not any(torch.equal(a, b) for a, b in zip(ends, start, strict=True))


def _written(session: Session, error: Exception) -> bool:
    """Return whether a group lacks an entry that the constructor writes beside its options."""
    defaults = getattr(session.optimizer, "defaults", {})
    key = error.args[0] if isinstance(error, KeyError) and error.args else None
    return key in session.optimizer.param_groups[0].keys() - defaults.keys()


def _answer(
    subject: Subject,
    check_id: str,
    fall: Fall,
    options: Mapping[str, Any],
    outcome: Outcome,
    said: str,
    proof: str,
) -> CheckResult:
    body = f"""
options = {dict(options)!r}
try:{fall.text}
    ends = read(optimizer, params)
    moved = all(bool((a != b.to(a)).any()) for a, b in zip(ends, start))
    print('fine:', moved and all(bool(a.isfinite().all()) for a in ends))
except Exception as error:
    print(type(error).__name__)
"""
    found = outcome is not Outcome.VARIANT
    shown = evidence(subject, body, proof, shapes=PAIR, steps=STEPS, stream=(check_id,))
    return CheckResult(
        check=check_id,
        outcome=outcome,
        message=f"With {words_of(options)}, a run {fall.says} {said}; without it is fine.",
        scenario={"options": dict(options)},
        **(shown if found else {}),
    )
