"""Gradients that are changed between backward() and step(), as clipping and unscaling do."""

from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.drives.surrogate import surrogate
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject, Trajectory

ID = "api.changed-gradients"
SHAPES = ((6, 4), (5,))
STEPS = 6


def _thinned(g: torch.Tensor, t: int) -> torch.Tensor:
    """Return the gradient of step t with every other entry at a tenth, others in other steps."""
    return g * (1.0 - 0.9 * ((torch.arange(g.numel()).reshape(g.shape) + t) % 2)).to(g)


@check(ID, tags=("api",), cost=0.05, needs=("inject",))
def changed_gradients(subject: Subject) -> CheckResult:
    """What is done to p.grad after backward(), as clip_grad_norm_ does, reaches the step."""
    if "keeps_grad" in subject.needs or "sparse" in subject.needs:
        message = "Not applicable: gradients are its own memory, or sparse."
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)

    def plain(start: Start, gradients: Gradients) -> Trajectory:
        rows = [[_thinned(g, t) for g in row] for t, row in enumerate(gradients)]
        return subject.run(start, rows)

    def other(start: Start, gradients: Gradients) -> Trajectory:
        session = subject.open(start)

        def move(row: Any) -> None:
            session.zero()
            surrogate(session.params, row)().backward()
            for p in session.params:
                if p.grad is not None:
                    p.grad.copy_(_thinned(p.grad, session.steps))
            session.optimizer.step()

        return session.follow(gradients, move)

    pair = Pair(
        check=ID,
        says="whose gradients are changed between backward() and step()",
        plain=plain,
        other=other,
        body="""
odd = lambda g, t: (torch.arange(g.numel()).reshape(g.shape) + t) % 2
thinned = lambda g, t: g * (1 - 0.9 * odd(g, t)).to(g)
b = run(start, [[thinned(x, t) for x in g] for t, g in enumerate(gradients)])
optimizer, params = begin(start)
for t, g in enumerate(gradients):
    for p in params:
        p.grad = None
    sum((x * p).sum() for p, x in zip(params, g)).backward()
    for p in params:
        p.grad.copy_(thinned(p.grad, t))
    optimizer.step()
a = read(optimizer, params)
""",
        differs=Outcome.LIMIT,
    )
    return agree(subject, pair, subject.shapes(*SHAPES), STEPS)
