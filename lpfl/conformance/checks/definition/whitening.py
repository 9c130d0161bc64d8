"""def.whitening: the law of methods whose trajectory is random, such as PSGD-Kron."""

import torch

from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

STEPS = 400
SIDE = 4
SPREAD = 10.0
LEFT = 3.0
SIZES = (1.0, 100.0)
ALIKE = 1.3


def condition(rows: list[torch.Tensor]) -> float:
    """Return the larger of the condition numbers of the two second moments of some matrices."""
    found = []
    for side in (lambda u: u @ u.T, lambda u: u.T @ u):
        values = torch.linalg.eigvalsh(sum(side(u) for u in rows))
        found.append(float(values[-1] / values[0].clamp(min=1e-300)))
    return max(found)


@check("def.whitening", tags=("def",), cost=3.0, claims={"psgd-kron"}, quick=False)
def whitening(subject: Subject) -> CheckResult:
    """Steps under steady gradients are white, and of a size that does not depend on theirs."""
    draw = subject.stream("whitening")
    scales = torch.logspace(0, 0.5, SIDE, base=SPREAD, dtype=torch.float64)
    start = torch.randn(SIDE, SIDE, generator=draw, dtype=torch.float64)
    plain = [
        scales[:, None] * torch.randn(SIDE, SIDE, generator=draw, dtype=torch.float64) * scales
        for _ in range(STEPS)
    ]
    options = {"weight_decay": 0.0} if subject.accepts("weight_decay") else {}
    sizes, conditions = [], []
    for size in SIZES:
        rows = [[size * g] for g in plain]
        moves = subject.run([start], rows, options=options).moves()[STEPS // 2 :]
        sizes.append(sum(float(u.norm()) for u in moves) / len(moves))
        conditions.append(condition(moves))
    given, left = condition(plain[STEPS // 2 :]), max(conditions)
    ratio = max(sizes) / max(min(sizes), 1e-300)
    fine = left <= LEFT and ratio <= ALIKE
    return CheckResult(
        check="def.whitening",
        outcome=Outcome.CONFORMS if fine else Outcome.INCONCLUSIVE,
        message=f"The condition number of steady gradients, {given:.3g}, is {left:.3g} in the "
        f"steps; gradients 100 times as large change their size by {ratio:.3g}.",
        measured=left,
        bound=LEFT,
        details={"ratio of sizes": ratio, "condition of the gradients": given},
    )
