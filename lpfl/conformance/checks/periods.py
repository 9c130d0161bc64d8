"""Periods by name: what is told to happen every so many steps depends on how many."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.api.paths import UNEVEN_TEXT, uneven
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import gap

ID = "api.periods"
SHAPES = ((6, 4), (5,), (12, 10))
STEPS = 14
VALUES = (1, 2, 3)
RANK = 2
"""Rank at which a method of low rank projects weights of these sizes."""
VISIBLE = 1e-7
BESIDE = re.compile(
    r"\b(log|print|report|warn|sav|sync|distribut|communicat|memory)", re.IGNORECASE
)
"""Words of periods that no weight feels."""


@check(ID, tags=("api",), cost=0.02)
def periods(subject: Subject) -> CheckResult:
    """An option of which the documentation says "every <option> steps" acts on the steps."""
    start = [torch.full((6, 4), 0.5, dtype=torch.float64)]
    words = documentation(subject, subject.open(start).optimizer)
    named = [name for name in sorted(subject.constructor_names) if _told(words, name)]
    if not named:
        message = "No period is spoken of by the name of its option."
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    least = float("inf")
    for name in named:
        shapes = subject.shapes(*SHAPES)
        first, gradients = subject.draw(shapes, STEPS, ID)
        base = _base(subject)
        try:
            effect = _effect(subject, name, base, first, uneven(gradients))
            gated = effect <= VISIBLE and _gated(subject, name, base, first, uneven(gradients))
        except Exception as error:
            message = f"Not judged: with {name} in {VALUES} a run raises {told(error)}."
            return CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)
        if effect <= VISIBLE and not gated:
            return _idle(subject, name, base, shapes, effect)
        least = min(least, effect)
    message = f"The smallest effect of a period, {', '.join(named)}, is {least:.2g} of the way."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=least)


def _told(words: str, name: str) -> bool:
    """Return whether a sentence says that something happens every so many steps, by name."""
    sentences = [s for s in re.split(r"\.\s", words) if re.search(rf"\bevery [`'\"*]*{name}\b", s)]
    return any(not BESIDE.search(sentence) for sentence in sentences)


def _base(subject: Subject) -> dict[str, Any]:
    held = subject.default("rank")
    low = isinstance(held, int) and not isinstance(held, bool) and held > RANK
    return {"rank": RANK} if low and subject.accepts("rank") else {}


def _effect(
    subject: Subject, name: str, base: Mapping[str, Any], start: Start, gradients: Gradients
) -> float:
    """Return the largest distance that other values of a period make, 1 where nothing moves."""
    runs = [subject.run(start, gradients, options={**base, name: value}) for value in VALUES]
    if not all(run.finite and run.displacement() for run in runs):
        return 1.0
    return max(gap(run, runs[0]) for run in runs[1:])


def _gated(
    subject: Subject, name: str, base: Mapping[str, Any], start: Start, gradients: Gradients
) -> bool:
    """Return whether the period acts under a switch that is turned over."""
    for other in _switches(subject):
        switched = {**base, other: not subject.default(other)}
        try:
            if _effect(subject, name, switched, start, gradients) > VISIBLE:
                return True
        except Exception:
            continue
    return False


def _switches(subject: Subject) -> Iterator[str]:
    return (n for n in sorted(subject.constructor_names) if isinstance(subject.default(n), bool))


def _idle(
    subject: Subject,
    name: str,
    base: Mapping[str, Any],
    shapes: list[tuple[int, ...]],
    effect: float,
) -> CheckResult:
    once, later = ({**base, name: value} for value in (VALUES[0], VALUES[-1]))
    body = f"""{UNEVEN_TEXT}
a = run(start, gradients, **{later!r})
b = run(start, gradients, **{once!r})
print('acts:', gap(a, b, start) > {VISIBLE})
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"The effect of {name} in {VALUES} on {STEPS} steps is {effect:.2g} of the way: "
        f"what is told to happen every {name} steps does not.",
        measured=effect,
        bound=VISIBLE,
        scenario={"option": name, "values": VALUES, "options": dict(base), "steps": STEPS},
        **evidence(subject, body, "acts: False", shapes=shapes, steps=STEPS, stream=(ID,)),
    )
