"""OP-12: KFAC on both layers, in three orders."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.notation import d as dim
from theory.core.notation import eta, lam
from theory.core.notation import k as rank
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.notation import F, F_next, G, G_next, Sigma_hat, eta_F
from theory.optimizers.notation import C_xy, lam_P


def representation_step(head: sp.MatrixExpr) -> sp.MatrixExpr:
    """Return the next G, its gradient and factors taken at ``head``."""
    left = (head.T * head + lam_P * sp.Identity(rank)).inv()
    right = (Sigma_hat + lam * sp.Identity(dim)).inv()
    return G - eta * (left * head.T * (head * G * Sigma_hat - C_xy) * right)


def head_step(representation: sp.MatrixExpr, damping: sp.Expr) -> sp.MatrixExpr:
    """Return the next F, its gradient and factor taken at ``representation``."""
    hidden = representation * Sigma_hat * representation.T
    step = eta_F
    if damping != 0:
        hidden, step = hidden + damping * sp.Identity(rank), eta_F / (1 + lam_P)
    gradient = (F * representation * Sigma_hat - C_xy) * representation.T
    return F - step * (gradient * hidden.inv())


OP_12 = Claim(
    id="OP-12",
    title="kfac_joint, kfac_sequential and kfac_paper differ in the order of the layers",
    says=(
        "Joint KFAC takes every gradient and factor at the old weights. Sequential KFAC moves the "
        "head first and the representation from the new head. The scheme of the paper moves the "
        "representation first, with the old head, and the head from the new representation, "
        "undamped. The head has a step size of its own."
    ),
    source=Source.seen("Zhang et al. 2025, arXiv 2502.01763, eq. (5)") + Source.derived(),
    parts={
        "representation": Part(
            Kind.IDENTITY, sp.Eq(G_next, representation_step(F), evaluate=False)
        ),
        "head": Part(Kind.IDENTITY, sp.Eq(F_next, head_step(G, lam), evaluate=False)),
        "sequential": Part(
            Kind.IDENTITY, sp.Eq(G_next, representation_step(F_next), evaluate=False)
        ),
        "paper": Part(Kind.IDENTITY, sp.Eq(F_next, head_step(G_next, sp.S.Zero), evaluate=False)),
    },
    example={"step_size": 0.1, "damping": 0.1},
)  # fmt: skip
