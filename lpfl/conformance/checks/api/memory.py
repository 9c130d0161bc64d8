"""State of its own: what the optimizer stores shares no memory with parameters or gradients."""

from collections.abc import Iterator
from typing import Any

import torch

from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Session, Subject
from lpfl.conformance.trajectory import gap

ID = "api.alias"
Span = tuple[int, int]


@check(ID, tags=("api",), cost=0.1)
def alias(subject: Subject) -> CheckResult:
    """State shares no memory with a parameter, a gradient or another parameter's state."""
    shapes = subject.shapes((6, 4), (6, 4), (5,))
    start, gradients = subject.draw(shapes, 4, ID)
    session = subject.open(start)
    shared: list[tuple[str, str]] = []
    for step in gradients:
        session.step(step)
        shared = shared or list(_shared(session))
    graph = next(_with_graph(session), None)
    if graph is not None:
        return _holds_graph(subject, graph, shapes)
    kinds = {kind for kind, _ in shared}
    if not shared:
        message = "The number of state tensors that share memory is 0."
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)
    kind, name = shared[0]
    harmless = kinds == {"gradient"} and _refill_is_harmless(subject)
    if harmless:
        message = f"The state {name!r} shares memory with a gradient, without effect on the run."
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=1.0)
    stated = "follows every update of it" if kind == "parameter" else "changes with it"
    text = program(subject, _body(kind), shapes=shapes, steps=4, stream=(ID,))
    text, why = proven(subject, text, "shared: True")
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"The state {name!r} shares memory with a {kind} and {stated}.",
        measured=float(len(shared)),
        bound=0.0,
        scenario={"shapes": shapes, "steps": 4, "state": name},
        snippet=text,
        details={"snippet": why} if why else {},
    )


def _with_graph(session: Session) -> Iterator[str]:
    """Yield the names of state tensors that drag a graph along, step after step."""
    for p in session.params:
        for name, tensor in _tensors(session.optimizer.state.get(p, {})):
            if tensor.grad_fn is not None:
                yield name


def _holds_graph(subject: Subject, name: str, shapes: list[tuple[int, ...]]) -> CheckResult:
    body = """
optimizer, params = begin(start)
for g in gradients:
    step(optimizer, params, g)
held = [s for state in optimizer.state.values() for s in state.values() if torch.is_tensor(s)]
print('graph:', any(s.grad_fn is not None for s in held))
"""
    text = program(subject, body, shapes=shapes, steps=4, stream=(ID,))
    text, why = proven(subject, text, "graph: True")
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"The state {name!r} keeps the graph it was computed with: memory grows by steps.",
        scenario={"shapes": shapes, "steps": 4, "state": name},
        snippet=text,
        details={"snippet": why} if why else {},
    )


def _shared(session: Session) -> Iterator[tuple[str, str]]:
    """Yield (kind of partner, name of the state) for every state tensor that shares memory."""
    params = [_span(p) for p in session.params]
    grads = [_span(p.grad) for p in session.params if p.grad is not None]
    owned: list[tuple[int, Span]] = []
    for index, p in enumerate(session.params):
        for name, tensor in _tensors(session.optimizer.state.get(p, {})):
            if any(tensor is q for q in session.params):
                continue  # a reference to the parameter itself, not a copy gone wrong
            span = _span(tensor)
            if _meets(span, params):
                yield "parameter", name
            elif _meets(span, grads):
                yield "gradient", name
            elif _meets(span, [s for i, s in owned if i != index]):
                yield "state of another parameter", name
            owned.append((index, span))


def _tensors(state: Any) -> Iterator[tuple[str, torch.Tensor]]:
    if not isinstance(state, dict):
        return
    for name, value in state.items():
        if isinstance(value, torch.Tensor) and value.numel() > 1 and not value.is_sparse:
            yield str(name), value
        elif isinstance(value, list | tuple):
            for entry in value:
                if isinstance(entry, torch.Tensor) and entry.numel() > 1 and not entry.is_sparse:
                    yield str(name), entry


def _span(tensor: torch.Tensor) -> Span:
    if tensor.is_sparse or tensor.numel() == 0:
        return (0, 0)
    reach = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True))
    first = tensor.data_ptr()
    return first, first + (reach + 1) * tensor.element_size()


def _meets(span: Span, others: list[Span]) -> bool:
    return any(max(span[0], a) < min(span[1], b) for a, b in others)


def _refill_is_harmless(subject: Subject) -> bool:
    from lpfl.conformance.checks.api.gradients import _refilled

    if not subject.injects:
        return True
    start, gradients = subject.draw(subject.shapes((6, 4), (5,)), 8, ID, "refill")
    return gap(_refilled(subject, start, gradients), subject.run(start, gradients)) < 1e-9


def _body(kind: str) -> str:
    partner = "p.grad" if kind == "gradient" else "p"
    return f"""
optimizer, params = begin(start)
where = lambda x: x.untyped_storage().data_ptr()
shared = False
for g in gradients:
    step(optimizer, params, g)
    held = [s for state in optimizer.state.values() for s in state.values() if torch.is_tensor(s)]
    shared = shared or any(where(s) == where({partner}) for s in held for p in params)
print('shared:', shared)
"""
