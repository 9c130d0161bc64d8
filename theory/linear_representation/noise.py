"""LR-11: the exact law of the noise in one KFAC step."""

import sympy as sp

from theory.claim import Claim, Kind
from theory.linear_representation.domain import (
    EXAMPLE,
    FULL_RANK_BATCH,
    NO_DAMPING,
    NOISY,
    PAPER,
    RANKS,
)
from theory.linear_representation.steps import pseudo_inverse
from theory.notation import (
    C_h,
    E,
    F,
    G_star,
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

_LEFT = pseudo_inverse(F)
_RIGHT = X * Sigma_hat.inv() * P_perp / n

LR_11 = Claim(
    id="LR-11",
    title="Law of the noise term of a KFAC step",
    says=(
        "Given the inputs and a head independent of the batch, the noise F^+ N S^-1 P of one step "
        "is Gaussian with row covariance sigma^2 (F'F)^-1 and column covariance P S^-1 P / n. It "
        "is F^+ E' K with K = X S^-1 P / n, so white noise E gives exactly these two factors, and "
        "the squared norm in their metric is chi-square with k (d-k) degrees of freedom."
    ),
    kind=Kind.LAW,
    source=PAPER,
    statement=sp.Tuple(
        sp.Eq(Z, _LEFT * E.T * _RIGHT, evaluate=False),
        sp.Eq(R_h, sigma**2 * _LEFT * _LEFT.T, evaluate=False),
        sp.Eq(C_h, _RIGHT.T * _RIGHT, evaluate=False),
        sp.Eq(pivot, k * (d - k), evaluate=False),
    ),
    parts=("term", "rows", "columns", "degrees"),
    definitions={
        Z: _LEFT * N * Sigma_hat.inv() * P_perp,
        R_h: sigma**2 * (F.T * F).inv(),
        C_h: P_perp * Sigma_hat.inv() * P_perp / n,
        Sigma_hat: X.T * X / n,
        N: E.T * X / n,
        P_perp: sp.Identity(d) - G_star.T * G_star,
    },
    assumptions=(*RANKS, FULL_RANK_BATCH, NO_DAMPING, NOISY),
    example=EXAMPLE,
)
