"""Memory behind the state: that of the numbers in it, in the format of the weights."""

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from lpfl.conformance.checks.large.objects import inside, stored
from lpfl.conformance.checks.promised.told_of import words_of
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject

ID = "api.storage"
SHAPES: Sequence[tuple[int, ...]] = ((256, 192), (5,))
STEPS = 2
RANK = 4
UNUSED, SPARE = 4.0, 1 << 16
"""How many times the numbers' bytes, and how many bytes more, memory behind them is too large."""
TOLD = re.compile(r"\b(float64|fp64|double|pool\w*|arena|pre-?allocat\w*)\b", re.IGNORECASE)


@check(ID, tags=("api",), cost=0.05, needs=("inject",))
def storage(subject: Subject) -> CheckResult:
    """The state is views of no memory far larger than it, and as wide as the weights at most."""
    shapes = [s for s in SHAPES if subject.handles(s)]
    if not shapes:
        message = "Not applicable: it takes no such weight."
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    most = 1.0
    for options in ({}, *_ranks(subject)):
        try:
            session = _stepped(subject, shapes, options)
        except Exception as error:
            if options:
                continue
            message = f"A run in float32 raises {told(error)}."
            return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)
        behind, used = _memory(session)
        if behind > UNUSED * used and behind > used + SPARE:
            return _unused(subject, shapes, options, behind, used)
        wide = _wide(session)
        if wide:
            return _twice(subject, shapes, options, wide)
        most = max(most, behind / used if used else 1.0)
    message = f"The memory behind the state is at most {most:.3g} times that of its numbers."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=most)


def _ranks(subject: Subject) -> list[dict[str, Any]]:
    """Return options of a rank that are off by default, each switched on."""
    names = sorted(n for n in subject.constructor_names if re.search(r"(^|_)rank$", n))
    return [{n: RANK} for n in names if subject.default(n) in (None, 0)]


def _stepped(
    subject: Subject, shapes: list[tuple[int, ...]], options: Mapping[str, Any]
) -> Session:
    start, gradients = subject.draw(shapes, STEPS, ID, dtype=torch.float32)
    session = subject.open(start, options=options)
    for row in gradients:
        session.step(row)
    return session


def _held(session: Session) -> list[torch.Tensor]:
    """Return the tensors of the state that are no views of parameters or gradients."""
    given = [x for p in session.params for x in (p, p.grad) if x is not None]
    taken = {x.untyped_storage().data_ptr() for x in given if x.layout == torch.strided}
    found = [x for x in inside(dict(session.optimizer.state)) if x.layout == torch.strided]
    return [x for x in found if x.untyped_storage().data_ptr() not in taken]


def _memory(session: Session) -> tuple[int, int]:
    """Return the bytes of the memory behind the state, and those of its numbers."""
    held = _held(session)
    return stored(held), sum(x.numel() * x.element_size() for x in held)


def _wide(session: Session) -> list[str]:
    """Return the names under which numbers of float64 are kept for each entry of a weight."""
    return [
        str(name)
        for p in session.params
        if p.dtype == torch.float32
        for name, x in dict(session.optimizer.state.get(p, {})).items()
        if isinstance(x, torch.Tensor) and x.dtype == torch.float64 and x.shape == p.shape
    ]


def _unused(
    subject: Subject,
    shapes: list[tuple[int, ...]],
    options: Mapping[str, Any],
    behind: int,
    used: int,
) -> CheckResult:
    body = f"""
from collections.abc import Mapping
from typing import Any

{inspect.getsource(inside)}

optimizer, params = begin([v.float() for v in start], **{dict(options)!r})
for g in gradients:
    step(optimizer, params, [x.float() for x in g])
given = [x for p in params for x in (p, p.grad) if x is not None]
taken = {{x.untyped_storage().data_ptr() for x in given}}
found = [x for x in inside(dict(optimizer.state)) if x.layout == torch.strided]
found = [x for x in found if x.untyped_storage().data_ptr() not in taken]
memory = {{x.untyped_storage().data_ptr(): x.untyped_storage().nbytes() for x in found}}
print('bytes of its numbers', sum(x.numel() * x.element_size() for x in found))
print('bytes of the memory behind them', sum(memory.values()))
"""
    said = "".join(f" with {k}={v}" for k, v in options.items())
    return CheckResult(
        check=ID,
        outcome=Outcome.VARIANT if TOLD.search(words_of(subject)) else Outcome.LIMIT,
        message=f"The memory behind a state{said} is {behind} bytes, its numbers are {used}: they "
        "are views of more, which goes into every checkpoint.",
        measured=behind / used if used else float(behind),
        bound=UNUSED,
        scenario={"shapes": shapes, "options": dict(options), "steps": STEPS},
        **evidence(subject, body, float(behind), shapes=shapes, steps=STEPS, stream=(ID,)),
    )


def _twice(
    subject: Subject, shapes: list[tuple[int, ...]], options: Mapping[str, Any], names: list[str]
) -> CheckResult:
    body = f"""
optimizer, params = begin([v.float() for v in start], **{dict(options)!r})
for g in gradients:
    step(optimizer, params, [x.float() for x in g])
wide = [x for p in params for x in optimizer.state[p].values() if torch.is_tensor(x)
        and x.dtype == torch.float64 and x.shape == p.shape]
print('tensors of float64 for weights of float32:', len(wide))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.VARIANT if TOLD.search(words_of(subject)) else Outcome.LIMIT,
        message=f"The state {names[0]!r} is in float64 for weights in float32: it takes twice the "
        "memory.",
        measured=float(len(names)),
        bound=0.0,
        scenario={"shapes": shapes, "options": dict(options), "state": names[0]},
        **evidence(subject, body, float(len(names)), shapes=shapes, steps=STEPS, stream=(ID,)),
    )
