"""Counters of steps: kept in a format that has all whole numbers."""

import torch

from lpfl.conformance.checks.api.state_entries import entries
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Session, Subject

ID = "api.counters"
SOON, LONG = 6, 300
"""Steps after which counters are known by their value, and after which they must still count."""


@check(ID, tags=("api",), cost=0.1)
def counters(subject: Subject) -> CheckResult:
    """A counter of steps goes on counting in bfloat16, whose whole numbers end at 256."""
    start, gradients = subject.draw(subject.shapes((3, 2)), 8, ID, dtype=torch.bfloat16)
    try:
        session = subject.open(start)
        for t in range(SOON):
            session.step(gradients[t % 8])
        narrow = _narrow(session)
        for t in range(SOON, LONG if narrow else SOON):
            session.step(gradients[t % 8])
    except Exception as error:
        message = f"Not judged: a run in bfloat16 raises {told(error)}."
        return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)
    last = {key: float(value) for key, value in entries(session) if key in narrow}
    stuck = {name: value for (_, name), value in last.items() if value < LONG}
    if not stuck:
        message = "The number of counters kept in a format without all whole numbers is 0."
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)
    name, value = next(iter(stuck.items()))
    text, why = proven(subject, _text(subject, name), value)
    return CheckResult(
        check=ID,
        outcome=Outcome.NUMERICS,
        message=f"The counter {name!r} of a bfloat16 run stands at {value:g} after {LONG} steps: "
        "it is kept in bfloat16, whose whole numbers end at 256.",
        measured=value,
        bound=float(LONG),
        scenario={"dtype": "bfloat16", "steps": LONG},
        snippet=text,
        details={"snippet": why} if why else {},
    )


def _narrow(session: Session) -> set[tuple[int, str]]:
    """Return which entries count the steps and are tensors of 16 bits or fewer."""
    return {
        key
        for key, value in entries(session)
        if isinstance(value, torch.Tensor)
        and value.numel() == 1
        and value.dtype.itemsize <= 2
        and value.dtype.is_floating_point
        and float(value) == SOON
    }


def _text(subject: Subject, name: str) -> str:
    body = f"""
optimizer, params = begin([v.bfloat16() for v in start])
for t in range({LONG}):
    step(optimizer, params, [g.bfloat16() for g in gradients[t % 8]])
print('counter', float(optimizer.state[params[0]][{name!r}]))
"""
    return program(subject, body, shapes=subject.shapes((3, 2)), steps=8, stream=(ID,))
