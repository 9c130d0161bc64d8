"""Memory that grows with the number of steps."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.large.objects import living, nodes, set_aside, stored
from lpfl.conformance.drives.surrogate import surrogate
from lpfl.conformance.learning.cost import calls_per_step
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import named_options, told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject

ID = "api.memory"
SHAPES = ((6, 4), (5,))
FEW, MORE, MANY, LONGEST = 20, 40, 240, 440
"""Steps after which memory is looked at; the last two where it has grown."""
ROWS = 4
CALLS = 1e6
"""Calls of functions that the long run may make."""
EVEN = 0.2
"""Relative difference of the growth in a step, early and late, that counts as one rate."""
WINDOWS = re.compile(r"hist|window|memory|buffer|queue|capacity", re.IGNORECASE)
SHORT = 4
"""Names of options that are the length of a window of steps, and a length that is soon full."""
KINDS = ("tensors", "bytes", "nodes of graphs")
Move = Callable[[Session, Any], Any]

MEASURES: Mapping[str, str] = {
    "tensors": "len(found)",
    "bytes": "sum({x.untyped_storage().data_ptr(): x.untyped_storage().nbytes() for x in found "
    "if x.layout == torch.strided}.values())",
    "nodes of graphs": "nodes([x.grad_fn for x in found if x.grad_fn is not None])",
}
WITH_CLOSURE = """
def step(optimizer, params, gradients):
    def closure():
        optimizer.zero_grad()
        loss = sum((g * (p - p.detach())).sum() for p, g in zip(params, gradients))
        loss.backward()
        return loss
    optimizer.step(closure)
"""


@check(ID, tags=("api",), cost=0.1)
def growing(subject: Subject) -> CheckResult:
    """Memory is that of the first steps: no tensor or graph is kept for each step made."""
    shapes = subject.shapes(*SHAPES)
    ways: dict[str, Move] = {"": lambda session, row: session.step(row)}
    start, gradients = subject.draw(shapes, ROWS, ID)
    kind = type(subject.open(start).optimizer)
    if subject.injects and "closure" in named_options(kind.step):
        ways[" with a closure"] = _closed
    for said, move in ways.items():
        try:
            first, second = _measured(subject, start, gradients, move, (FEW, MORE))
        except Exception as error:
            if said:
                continue  # api.closure says what raises
            message = f"A run of {MORE} steps raises {told(error)}."
            return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)
        grown = [k for k in KINDS if second[k] > first[k]]
        if grown:
            return _judged(subject, start, gradients, move, said, grown)
    message = f"The growth of memory from the {FEW}th step to the {MORE}th is 0."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)


def _closed(session: Session, row: Any) -> None:
    evaluate = surrogate(session.params, row)

    def closure() -> torch.Tensor:
        session.optimizer.zero_grad()
        loss = evaluate()
        loss.backward()
        return loss

    session.optimizer.step(closure)


def _measured(
    subject: Subject, start: Start, gradients: Gradients, move: Move, marks: tuple[int, ...]
) -> list[dict[str, int]]:
    """Return what there is in memory after each of some numbers of steps."""
    found = []
    with set_aside():
        session = subject.open(start, options=_windows(subject))
        for t in range(1, max(marks) + 1):
            move(session, gradients[t % ROWS])
            if t in marks:
                tensors = living()
                counts = (len(tensors), stored(tensors), nodes(tensors))
                found.append(dict(zip(KINDS, counts, strict=True)))
                del tensors
    return found


def _judged(
    subject: Subject,
    start: Start,
    gradients: Gradients,
    move: Move,
    said: str,
    grown: list[str],
) -> CheckResult:
    """Judge memory that has grown: by the long run, in which a window of bounded length is full."""
    if (longest := _window(subject)) > MANY or calls_per_step(subject) * LONGEST > CALLS:
        why = f"an option is {longest:g}" if longest > MANY else "its steps are dear"
        message = f"Not judged: {grown[0]} in memory grow in {MORE} steps, and {why}."
        return CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)
    marks = (FEW, MORE, MANY, LONGEST)
    few, more, many, last = _measured(subject, start, gradients, move, marks)
    for kind in grown:
        early = (more[kind] - few[kind]) / (MORE - FEW)
        late = (last[kind] - many[kind]) / (LONGEST - MANY)
        if late > 0 and abs(late / early - 1) <= EVEN:
            return _finding(subject, start, said, kind, late, more[kind] - few[kind])
    message = f"The growth of memory from the {MANY}th step to the {LONGEST}th has come to an end."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)


def _windows(subject: Subject) -> dict[str, int]:
    """Return options by which windows of steps are short."""
    names = sorted(n for n in subject.constructor_names if WINDOWS.search(n))
    found = {n: subject.default(n) for n in names}
    return {n: SHORT for n, v in found.items() if type(v) is int and v > SHORT}


def _window(subject: Subject) -> float:
    """Return the largest number among the options, which a window of steps may have for length."""
    held = [subject.default(n) for n in subject.constructor_names if not WINDOWS.search(n)]
    held += [v for n, v in subject.default_group.items() if not WINDOWS.search(n)]
    return max(
        (float(v) for v in held if type(v) in (int, float) and v < float("inf")), default=0.0
    )


def _finding(
    subject: Subject, start: Start, said: str, kind: str, each: float, grown: float
) -> CheckResult:
    body = f"""
import gc

{WITH_CLOSURE if said else ""}
def nodes(left):
    seen = set()
    while left:
        node = left.pop()
        if node not in seen:
            seen.add(node)
            left += [n for n, _ in node.next_functions if n is not None]
    return len(seen)


def held():
    gc.collect()
    found = [x for x in gc.get_objects() if type(x) in (torch.Tensor, torch.nn.Parameter)]
    return {MEASURES[kind]}


optimizer, params = begin(start, **{_windows(subject)!r})
for t in range(1, {MORE + 1}):
    step(optimizer, params, gradients[t % {ROWS}])
    before = held() if t == {FEW} else before if t > {FEW} else 0
print('{kind} in memory, more after {MORE} steps than after {FEW}:', held() - before)
"""
    shapes = [tuple(v.shape) for v in start]
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"The number of {kind} in memory grows by {each:.3g} in each step{said}, without "
        f"end in {LONGEST} steps.",
        measured=each,
        bound=0.0,
        scenario={"shapes": shapes, "steps": LONGEST},
        **evidence(subject, body, float(grown), shapes=shapes, steps=ROWS, stream=(ID,)),
    )
