"""Gradients that carry a graph, as those of backward(create_graph=True) do."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.checks.protocol.differentiable import differentiated
from lpfl.conformance.drives.session import copied
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject, Trajectory

ID = "api.graph"
SHAPES = ((6, 4), (5,))
STEPS = 6
DEPTH = 5
"""Levels of containers in which an optimizer's tensors are looked for."""
_NODES = """
def tensors(held, depth):
    if isinstance(held, torch.Tensor):
        yield held
    elif depth and isinstance(held, dict | list | tuple):
        for part in held.values() if isinstance(held, dict) else held:
            yield from tensors(part, depth - 1)


def begun(tensor):
    try:
        return tensor.grad_fn
    except RuntimeError:  # a view whose history torch does not follow
        return None


def nodes(optimizer):
    seen, todo = set(), [begun(t) for t in tensors(vars(optimizer), {depth})]
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            todo += [before for before, _ in node.next_functions]
    return len(seen)


""".replace("{depth}", str(DEPTH))
_DRIVEN = """
def follow(with_graph):
    optimizer, params = begin(start)
    counts = []
    for g in gradients:
        scale = torch.ones((), requires_grad=with_graph)
        for p, value in zip(params, g):
            p.grad = scale * value
        optimizer.step()
        counts.append(nodes(optimizer))
    return read(optimizer, params), counts


"""


@check(ID, tags=("api",), cost=0.05, needs=("inject",))
def graph(subject: Subject) -> Iterable[CheckResult]:
    """Gradients with a graph give the same run, kept by no step; differentiable=True goes on."""
    if {"keeps_grad", "sparse"} & subject.needs:
        message = "Not applicable: gradients of this kind carry no graph."
        yield CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
        return
    yield _kept(subject)
    if answer := differentiated(subject):
        yield answer


def _kept(subject: Subject) -> CheckResult:
    shapes = subject.shapes(*SHAPES)
    pair = Pair(
        check=ID,
        says="with gradients that carry a graph, as after backward(create_graph=True),",
        plain=subject.run,
        other=lambda start, gradients: _driven(subject, start, gradients)[0],
        body=f"{_NODES}{_DRIVEN}a, b = follow(True)[0], follow(False)[0]",
    )
    result = agree(subject, pair, shapes, STEPS)
    if result.outcome is not Outcome.CONFORMS:
        return result
    start, gradients = subject.draw(shapes, STEPS, ID)
    counts = _driven(subject, start, gradients)[1]
    rises = [later - earlier for earlier, later in itertools.pairwise(counts)]
    if min(rises[1:]) <= 0:
        return result
    body = f"{_NODES}{_DRIVEN}print('nodes kept:', follow(True)[1])"
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=(
            "With gradients that carry a graph, as after backward(create_graph=True), its state "
            f"keeps the graphs of all steps so far: {', '.join(map(str, counts))} nodes."
        ),
        measured=float(rises[-1]),
        bound=0.0,
        scenario={"shapes": shapes, "steps": STEPS},
        **evidence(
            subject, body, f"nodes kept: {counts}", shapes=shapes, steps=STEPS, stream=(ID,)
        ),
    )


def _driven(subject: Subject, start: Start, gradients: Gradients) -> tuple[Trajectory, list[int]]:
    """Return the run, and how many nodes of graphs the optimizer holds after each step."""
    session, counts = subject.open(start), list[int]()

    def move(row: Any) -> None:
        scale = torch.ones((), device=subject.device, requires_grad=True)
        for p, g in zip(session.params, row, strict=True):
            p.grad = scale * copied(g.to(p))
        session.optimizer.step()
        counts.append(_nodes(session))

    return session.follow(gradients, move), counts


def _nodes(session: Session) -> int:
    seen: set[Any] = set()
    todo = [_begun(tensor) for tensor in _tensors(vars(session.optimizer), DEPTH)]
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            todo += [before for before, _ in node.next_functions]
    return len(seen)


def _begun(tensor: torch.Tensor) -> Any:
    try:
        return tensor.grad_fn
    except RuntimeError:  # a view whose history torch does not follow
        return None


def _tensors(held: Any, depth: int) -> Iterator[torch.Tensor]:
    if isinstance(held, torch.Tensor):
        yield held
    elif depth and isinstance(held, dict | list | tuple):
        for part in held.values() if isinstance(held, dict) else held:
            yield from _tensors(part, depth - 1)
