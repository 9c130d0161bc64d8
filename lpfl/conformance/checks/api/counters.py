"""Counters of steps: kept in a format that has all whole numbers."""

from collections.abc import Iterator
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients
from lpfl.conformance.checks.api.state_entries import entries
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Session, Subject
from lpfl.conformance.trajectory import distance

ID = "api.counters"
SOON, LATER = 3, 6
"""Steps after which counters are known by how far they have counted."""
BEYOND = 44
"""Steps past the last whole number of a format, at which a counter must still count."""
LONGER = 10
"""How many times as far a run goes in which a step is looked at that may depend on a counter."""
DEPENDS = 0.01
"""Relative change of a step by a counter that stands still from which it depends on it."""
ROWS = 8
GROUP = "group."
NARROW = (torch.bfloat16, torch.float16, torch.int8, torch.uint8)
Key = tuple[int, str]


@check(ID, tags=("api",), cost=0.1)
def counters(subject: Subject) -> CheckResult:
    """A counter of steps goes on counting in bfloat16, whose whole numbers end at 256."""
    start, gradients = subject.draw(subject.shapes((3, 2)), ROWS, ID, dtype=torch.bfloat16)
    try:
        session = subject.open(start)
        _walk(session, gradients, 0, SOON)
        early = {key: float(value.flatten()[0]) for key, value in _narrow(session)}
        _walk(session, gradients, SOON, LATER)
        counts = {
            key: value.dtype
            for key, value in _narrow(session)
            if key in early and float(value.flatten()[0]) == early[key] + LATER - SOON
        }
        end = max([_last(dtype) + BEYOND for dtype in counts.values()], default=LATER)
        _walk(session, gradients, LATER, end)
        held = {k: float(v.flatten()[0]) for k, v in _narrow(session) if k in counts}
    except Exception as error:
        message = f"Not judged: a run in bfloat16 raises {told(error)}."
        return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)
    stuck = {key: value for key, value in held.items() if value <= _last(counts[key])}
    if not stuck:
        message = "The number of counters kept in a format without all whole numbers is 0."
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)
    key, value = next(iter(stuck.items()))
    return _stands(subject, key, value, counts[key], end)


def _walk(session: Session, gradients: Gradients, first: int, last: int) -> None:
    for t in range(first, last):
        session.step(gradients[t % ROWS])


def _narrow(session: Session) -> Iterator[tuple[Key, torch.Tensor]]:
    """Yield tensors of few bits, in the state or in a group, whose entries are all equal."""
    held: list[tuple[Key, Any]] = list(entries(session))
    for index, group in enumerate(session.optimizer.param_groups):
        held += [((index, f"{GROUP}{name}"), value) for name, value in group.items()]
    for key, value in held:
        narrow = isinstance(value, torch.Tensor) and value.dtype in NARROW and value.numel()
        if narrow and bool((value == value.flatten()[0]).all()):
            yield key, value


def _last(dtype: torch.dtype) -> int:
    """Return the number up to which a format has all whole numbers."""
    if dtype.is_floating_point:
        return int(2 / torch.finfo(dtype).eps)
    return int(torch.iinfo(dtype).max)


def _stands(subject: Subject, key: Key, value: float, dtype: torch.dtype, end: int) -> CheckResult:
    """Grade a counter that stands still by whether a step depends on it."""
    kind, last = str(dtype).removeprefix("torch."), _last(dtype)
    later = LONGER * last
    off = _off(subject, key, value, later)
    text, why = proven(subject, _text(subject, key[1], end), value)
    depends = f"after {later} steps a step is {off:.2g} off by it"
    said = depends if off > DEPENDS else "no step depends on it"
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES if off > DEPENDS else Outcome.NUMERICS,
        message=f"The counter {key[1]!r} of a bfloat16 run stands at {value:g} after {end} steps: "
        f"it is kept in {kind}, whose whole numbers end at {last}; {said}.",
        measured=value,
        bound=float(end),
        scenario={"dtype": "bfloat16", "steps": end},
        snippet=text,
        details={"step off by": off, **({"snippet": why} if why else {})},
    )


def _off(subject: Subject, key: Key, value: float, later: int) -> float:
    """Return by how much a step differs, in float64, if a counter stands instead of counting.

    later: what it would have counted to. 0 where it cannot be seen.
    """
    start, gradients = subject.draw(subject.shapes((3, 2)), ROWS, ID)
    moves = []
    try:
        for count in (later, value):
            session = subject.open(start)
            _walk(session, gradients, 0, ROWS)
            _put(session, key, count - 1)
            before = session.values()
            session.step(gradients[0])
            moves.append([a - b for a, b in zip(session.values(), before, strict=True)])
    except Exception:
        return 0.0
    zero = [torch.zeros_like(m) for m in moves[0]]
    return distance(*moves) / max(distance(moves[0], zero), 1e-300)


def _put(session: Session, key: Key, value: float) -> None:
    """Give an entry of the state, or of a group, another value."""
    index, name = key
    group = name.startswith(GROUP)
    holder = (
        session.optimizer.param_groups[index]
        if group
        else session.optimizer.state[session.params[index]]
    )
    held = holder[name.removeprefix(GROUP)]
    if isinstance(held, torch.Tensor):
        whole = not held.dtype.is_floating_point
        held.fill_(min(value, torch.iinfo(held.dtype).max) if whole else value)
    else:
        holder[name.removeprefix(GROUP)] = type(held)(value)


def _text(subject: Subject, name: str, end: int) -> str:
    place = f"state[params[0]][{name!r}]"
    if name.startswith(GROUP):
        place = f"param_groups[0][{name.removeprefix(GROUP)!r}]"
    body = f"""
optimizer, params = begin([v.bfloat16() for v in start])
for t in range({end}):
    step(optimizer, params, [g.bfloat16() for g in gradients[t % {ROWS}]])
print('counter', float(optimizer.{place}.flatten()[0]))
"""
    return program(subject, body, shapes=subject.shapes((3, 2)), steps=ROWS, stream=(ID,))
