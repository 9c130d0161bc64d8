"""LR-11: the exact law of the noise in one KFAC step."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, parts_of
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    FULL_RANK_BATCH,
    NO_DAMPING,
    NOISY,
    RANKS,
)
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
from theory.linear_representation.steps import pseudo_inverse

LR_11 = Claim(
    id="LR-11",
    title="Law of the noise term of a KFAC step",
    says=(
        "Given the inputs and a head independent of the batch, the noise F⁺NΣ̂⁻¹P⊥ of one step is "
        "Gaussian with row covariance σ²(FᵀF)⁻¹ and column covariance P⊥Σ̂⁻¹P⊥/n. It equals "
        "F⁺EᵀK_h with K_h = XΣ̂⁻¹P⊥/n, so white noise E gives exactly these two factors. Its "
        "squared norm in their metric is chi-square with k(d − k) degrees of freedom."
    ),
    source=DERIVED,
    parts=parts_of(
        Kind.LAW,
        sp.Tuple(
            sp.Eq(Z, F_plus * E.T * K_h, evaluate=False),
            sp.Eq(R_h, sigma**2 * F_plus * F_plus.T, evaluate=False),
            sp.Eq(C_h, K_h.T * K_h, evaluate=False),
            sp.Eq(pivot, k * (d - k), evaluate=False),
        ),
        ("term", "rows", "columns", "degrees"),
    ),
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
