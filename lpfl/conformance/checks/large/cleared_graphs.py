"""Gradients with graphs, as create_graph=True makes them, cleared by zero_grad()."""

from typing import Any

import torch

from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import named_options
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject

ID = "api.cleared-graphs"
SHAPES = ((6, 4), (5,))
ZEROES: dict[str, Any] = {"set_to_none": False}


@check(ID, tags=("api",), cost=0.02, needs=("params",))
def cleared_graphs(subject: Subject) -> CheckResult:
    """zero_grad(set_to_none=False) leaves gradients that hold no graph of a former loss."""
    start, _ = subject.draw(subject.shapes(*SHAPES), 1, ID)
    session = subject.open(start)
    method = type(session.optimizer).zero_grad
    if method is torch.optim.Optimizer.zero_grad or "set_to_none" not in named_options(method):
        message = "Not applicable: its zero_grad() is that of torch, or takes no set_to_none."
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    try:
        kept = _kept(session)
    except Exception as error:
        message = f"Not judged: {type(error).__name__} with gradients that hold a graph."
        return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)
    message = f"The number of cleared gradients that hold a graph is {kept}"
    if not kept:
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message + ".", measured=0.0)
    body = """
optimizer, params = begin(start)
for p in params:
    p.grad = None
sum(p.pow(3).sum() for p in params).backward(create_graph=True)
optimizer.zero_grad(set_to_none=False)
print('gradients with a graph:', sum(p.grad is not None and p.grad.requires_grad for p in params))
"""
    shapes = [tuple(v.shape) for v in start]
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"{message}: with create_graph=True, those of all former steps stay in memory.",
        measured=float(kept),
        bound=0.0,
        scenario={"shapes": shapes},
        **evidence(subject, body, float(kept), shapes=shapes, steps=1, stream=(ID,)),
    )


def _kept(session: Session) -> int:
    for p in session.params:
        p.grad = None
    torch.stack([p.pow(3).sum() for p in session.params]).sum().backward(create_graph=True)
    session.optimizer.zero_grad(**ZEROES)
    left = [p.grad for p in session.params if p.grad is not None]
    if any(g.detach().count_nonzero() for g in left):
        return 0  # what it keeps is not to be cleared, or is another check's matter
    return sum(g.requires_grad for g in left)
