"""LR-11: the exact law of the noise in one KFAC step."""

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from theory.core.claim import Claim
from theory.core.guards import count, matrix, number, positive_definite
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    FULL_RANK_BATCH,
    NO_DAMPING,
    NOISY,
    RANKS,
)
from theory.linear_representation.contraction.steps import pseudo_inverse
from theory.linear_representation.notation import (
    C_h,
    E,
    F,
    F_plus,
    G_star,
    K_h,
    N,
    P_perp,
    R_h,
    Sigma_hat,
    X,
    Z,
    d,
    k,
    n,
    pivot,
    sigma,
)

LR_11 = Claim(
    id="LR-11",
    title="Law of the noise term of a KFAC step",
    says=(
        "Given the inputs and a head that does not depend on the batch, the noise F⁺NΣ̂⁻¹P⊥ of one "
        "step is Gaussian. Its row covariance is σ²(FᵀF)⁻¹, its column covariance P⊥Σ̂⁻¹P⊥/n. "
        "The term equals F⁺EᵀK_h with K_h = XΣ̂⁻¹P⊥/n, so white noise E gives exactly these two "
        "factors. The squared norm in their metric is chi-square with k(d − k) degrees of freedom."
    ),
    source=DERIVED,
    parts={
        "degrees": Part(Kind.LAW, sp.Eq(pivot, k * (d - k), evaluate=False)),
        "term": Part(Kind.IDENTITY, sp.Eq(Z, F_plus * E.T * K_h, evaluate=False)),
        "rows": Part(Kind.IDENTITY, sp.Eq(R_h, sigma**2 * F_plus * F_plus.T, evaluate=False)),
        "columns": Part(Kind.IDENTITY, sp.Eq(C_h, K_h.T * K_h, evaluate=False)),
    },
    definitions={
        Z: F_plus * N * Sigma_hat.inv() * P_perp,
        R_h: sigma**2 * (F.T * F).inv(),
        C_h: P_perp * Sigma_hat.inv() * P_perp / n,
        F_plus: pseudo_inverse(F),
        K_h: X * Sigma_hat.inv() * P_perp / n,
        Sigma_hat: X.T * X / n,
        N: E.T * X / n,
        P_perp: sp.Identity(d) - G_star.T * G_star,
    },
    assumptions=(*RANKS, FULL_RANK_BATCH, NO_DAMPING, NOISY),
    example=EXAMPLE,
)


def noise_pivot(
    noise_term: ArrayLike, *, row_covariance: ArrayLike, column_covariance: ArrayLike
) -> float:
    """Return tr(R^{-1} Z C^{-1} Z'), chi-square with k (d-k) degrees of freedom.

    noise_term Z (k, d-k): the noise of one step on the complement. row_covariance (k, k):
    sigma^2 (F'F)^{-1}. column_covariance (d-k, d-k): B S^{-1} B'/n.
    Raises: ValueError on a wrong shape or a covariance that is not positive definite.
    Source: LR-11.
    """
    Z = matrix("noise_term", noise_term, (None, None))
    rows = positive_definite("row_covariance", row_covariance, Z.shape[0])
    columns = positive_definite("column_covariance", column_covariance, Z.shape[1])
    return float(np.sum(np.linalg.solve(rows, Z) * np.linalg.solve(columns, Z.T).T))


def noise_pivot_degrees(*, rank: int, input_dim: int) -> int:
    """Return the degrees of freedom k (d-k) of the pivot.

    Raises: ValueError unless 1 <= rank < input_dim.
    Source: LR-11.
    """
    d = count("input_dim", input_dim, low=2)
    k = count("rank", rank)
    number("rank", k, high=float(d), open_high=True)
    return round(LR_11["degrees"].number(rank=k, input_dim=d))
