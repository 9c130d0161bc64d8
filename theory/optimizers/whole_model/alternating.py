"""OP-13 and OP-14: AMGD, and DFW with its independent batch for the head."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.notation import d, eta, k, lam, m, n
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.notation import (
    B,
    F_next,
    G,
    G_next,
    G_star,
    Sigma_hat,
    X,
)
from theory.optimizers.notation import (
    C_2,
    M_G,
    S_2,
    C_xy,
    F_h,
    V_n,
    bias_1,
    bias_2,
)

ORTHONORMAL = Part(Kind.IDENTITY, sp.Eq(G_next * G_next.T, sp.Identity(k), evaluate=False))
SPAN = Part(
    Kind.IDENTITY, sp.Eq(G_next.T * G_next, M_G.T * (M_G * M_G.T).inv() * M_G, evaluate=False)
)
HEAD = Part(Kind.IDENTITY, sp.Eq(F_next, F_h, evaluate=False))


def refitted(cross: sp.MatrixExpr, second: sp.MatrixExpr) -> sp.MatrixExpr:
    """Return the least-squares head for G on a batch with these moments."""
    return cross * G.T * (G * second * G.T).inv()


GRADIENT = F_h.T * (F_h * G * Sigma_hat - C_xy)

OP_13 = Claim(
    id="OP-13",
    title="amgd alternates a refitted head, a gradient step and orthonormal rows",
    says=(
        "AMGD refits the head on the batch, takes a gradient step on the representation with this "
        "head, and orthonormalises the rows in their order, each with its own direction kept. The "
        "head handed back is the refitted one."
    ),
    source=Source.other_work("Collins et al. 2021; Nayer and Vaswani 2022"),
    parts={"span": SPAN, "orthonormal": ORTHONORMAL, "head": HEAD},
    definitions={M_G: G - eta * GRADIENT, F_h: refitted(C_xy, Sigma_hat)},
    example={"step_size": 0.1},
)

OP_14 = Claim(
    id="OP-14",
    title="dfw removes the bias that a single batch has",
    says=(
        "DFW refits the head on one batch and takes a step whitened by the second moment of "
        "another batch; rows are orthonormalised. At the true subspace the mean step on the "
        "complement vanishes to first order in the step size, for noise of any variance per row. "
        "With one batch for both it is (m/n²)(G⋆Σ̂G⋆ᵀ)⁻¹G⋆XᵀVXΣ̂⁻¹Bᵀ times the step size."
    ),
    source=Source.other_work("Zhang et al. 2023, arXiv 2308.04428") + Source.derived("the bias"),
    parts={
        "span": SPAN,
        "orthonormal": ORTHONORMAL,
        "head": HEAD,
        "no_bias": Part(Kind.IDENTITY, sp.Eq(bias_2, sp.ZeroMatrix(k, d - k), evaluate=False)),
        "one_batch": Part(
            Kind.IDENTITY,
            sp.Eq(
                bias_1,
                (m / n**2)
                * (
                    (G_star * Sigma_hat * G_star.T).inv()
                    * G_star
                    * X.T
                    * V_n
                    * X
                    * Sigma_hat.inv()
                    * B.T
                ),
                evaluate=False,
            ),
        ),
    },
    definitions={
        M_G: G - eta * (GRADIENT * (Sigma_hat + lam * sp.Identity(d)).inv()),
        F_h: refitted(C_2, S_2),
    },
    example={"step_size": 0.1},
)
