"""Curvature estimated by random signs: what lies off the Hessian's diagonal is chance."""

import torch

from lpfl.conformance.drives.graph import GraphSession
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.signatures import Undrivable
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import distance

ID = "def.probes"
PAIRS, STEPS = 32, 3
TWO = ((2.0, 1.0), (1.0, 3.0))
"""The curvature of two entries; their signs, drawn, agree in all pairs once in 2^32 draws."""


@check(ID, tags=("def",), cost=0.1, claims=("adahessian",), control=False)
def probes(subject: Subject) -> CheckResult:
    """Signs that are drawn tell the Hessian's diagonal from the sums of its rows."""
    H = torch.kron(torch.eye(PAIRS, dtype=torch.float64), torch.tensor(TWO, dtype=torch.float64))
    (start,), ((slope,),) = subject.draw([(2 * PAIRS,)], 1, ID)
    end, sums, diagonal = (
        _end(subject, start, slope, curvature)
        for curvature in (H, torch.diag(H.sum(1)), torch.diag(H.diagonal()))
    )
    way = distance([diagonal], [start]) or 1.0
    apart, least = distance([end], [sums]) / way, tolerance(subject, ID)
    if apart > least or distance([sums], [diagonal]) / way <= 10 * least:
        message = f"The gap to steps by the sums of the Hessian's rows is {apart:.2g} of the way."
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=apart)
    body = f"""
def follow(H):
    optimizer, (p,) = begin(start)
    for _ in range({STEPS}):
        optimizer.zero_grad()
        away = p - p.detach()
        loss = (gradients[0][0] * away).sum() + 0.5 * away @ H @ away
        loss.backward(create_graph=True)
        optimizer.step()
    return read(optimizer, [p])


H = torch.kron(torch.eye({PAIRS}), torch.tensor({TWO})).to(start[0])
print('one sign:', gap(follow(H), follow(torch.diag(H.sum(1))), start) < {least})
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"The gap to steps by the sums of the Hessian's rows is {apart:.2g} of the way: "
        "the probes have one sign, and the diagonal is never seen.",
        measured=apart,
        bound=least,
        scenario={"curvature": "blocks of 2, 1; 1, 3", "steps": STEPS},
        **evidence(subject, body, "one sign: True", shapes=[(2 * PAIRS,)], steps=1, stream=(ID,)),
    )


def _end(
    subject: Subject, start: torch.Tensor, slope: torch.Tensor, H: torch.Tensor
) -> torch.Tensor:
    """Return where the steps on one slope and one Hessian end.

    Raises: Undrivable for an optimizer that is not stepped after a backward pass with its graph.
    """
    session = subject.open([start])
    if not isinstance(session, GraphSession):
        raise Undrivable("it does not differentiate twice")
    (p,) = session.params

    def loss() -> torch.Tensor:
        away = p - p.detach()
        return (slope.to(p) * away).sum() + 0.5 * away @ H.to(p) @ away

    for _ in range(STEPS):
        session.advance(loss)
    return session.values()[0]
