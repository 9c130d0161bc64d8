"""Counters of steps: kept in a format that has all whole numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Way:
    """How counters come to be of few bits: by the weights, or by the default of the process."""

    weights: torch.dtype
    default: torch.dtype | None
    words: str

    @contextmanager
    def begun(self) -> Iterator[None]:
        """Set the default format of the process for a while."""
        outer = torch.get_default_dtype()
        if self.default is not None:
            torch.set_default_dtype(self.default)
        try:
            yield
        finally:
            torch.set_default_dtype(outer)


WAYS = (
    Way(torch.bfloat16, None, "a bfloat16 run"),
    Way(
        torch.float32,
        torch.bfloat16,
        "a float32 run under torch.set_default_dtype(torch.bfloat16)",
    ),
)


@check(ID, tags=("api",), cost=0.2)
def counters(subject: Subject) -> CheckResult:
    """A counter of steps goes on counting in bfloat16, whose whole numbers end at 256."""
    failed = None
    for way in WAYS:
        try:
            stuck, counts, end = _followed(subject, way)
        except Exception as error:
            if way.default is None:
                failed = f"Not judged: {way.words} raises {told(error)}."
            continue
        if stuck:
            key, value = next(iter(stuck.items()))
            return _stands(subject, way, key, value, counts[key], end)
    if failed is not None:
        return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=failed)
    message = "The number of counters kept in a format without all whole numbers is 0."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)


def _followed(subject: Subject, way: Way) -> tuple[dict[Key, float], dict[Key, torch.dtype], int]:
    """Return counters that stand still and their values, formats of all, and the steps taken."""
    start, gradients = subject.draw(subject.shapes((3, 2)), ROWS, ID, dtype=way.weights)
    with way.begun():
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
    stuck = {key: value for key, value in held.items() if value <= _last(counts[key])}
    return stuck, counts, end


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


def _stands(
    subject: Subject, way: Way, key: Key, value: float, dtype: torch.dtype, end: int
) -> CheckResult:
    """Grade a counter that stands still by whether a step depends on it."""
    kind, last = str(dtype).removeprefix("torch."), _last(dtype)
    later = LONGER * last
    off = _off(subject, key, value, later)
    text, why = proven(subject, _text(subject, way, key[1], end), value)
    usual = way.default is None  # few set another default format, and many count by it
    depends = f"after {later} steps a step is {off:.2g} off by it"
    said = depends if off > DEPENDS else "no step depends on it"
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES if off > DEPENDS and usual else Outcome.NUMERICS,
        message=f"The counter {key[1]!r} of {way.words} stands at {value:g} after {end} steps: "
        f"it is kept in {kind}, whose whole numbers end at {last}; {said}.",
        measured=value,
        bound=float(end),
        scenario={"dtype": str(way.weights).removeprefix("torch."), "steps": end},
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


def _text(subject: Subject, way: Way, name: str, end: int) -> str:
    place = f"state[params[0]][{name!r}]"
    if name.startswith(GROUP):
        place = f"param_groups[0][{name.removeprefix(GROUP)!r}]"
    body = f"""
outer = torch.get_default_dtype()
torch.set_default_dtype({way.default or "outer"})
try:
    optimizer, params = begin([v.to({way.weights}) for v in start])
    for t in range({end}):
        step(optimizer, params, [g.to({way.weights}) for g in gradients[t % {ROWS}]])
finally:
    torch.set_default_dtype(outer)
print('counter', float(optimizer.{place}.flatten()[0]))
"""
    return program(subject, body, shapes=subject.shapes((3, 2)), steps=ROWS, stream=(ID,))
