"""LR-26: what an imperfect representation costs a new task."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, parts_of
from theory.linear_representation.assumptions import DERIVED, EXAMPLE, GAUSSIAN, RANKS
from theory.linear_representation.notation import (
    D_t,
    F_best,
    F_t,
    G,
    G_star,
    M_t,
    Sigma,
    dist,
    excess,
    excess_0,
    head_2,
    k,
    lmax_cov,
    m,
    n,
    sigma,
)

EXCESS = sp.Trace(F_t * D_t * F_t.T) / 2
MISSED = (
    G_star * Sigma * G_star.T
    - G_star * Sigma * G.T * (G * Sigma * G.T).inv() * G * Sigma * G_star.T
)
BOUND = lmax_cov * head_2 * dist**2 / 2
FINITE = excess_0 * (n - 1) / (n - k - 1) + (m * sigma**2 / 2) * k / (n - k - 1)

LR_26 = Claim(
    id="LR-26",
    title="Transfer to a new head",
    says=(
        "The best new head on a frozen representation leaves an excess risk of ½ tr(F_t D_t "
        "F_tᵀ), where D_t is the part of the true representation that the frozen one misses. It "
        "is at most half the largest eigenvalue of Σ times the squared norm of F_t times the "
        "squared subspace distance. Fitted on n Gaussian rows, the mean excess is e_0(n − 1)/(n − "
        "k − 1) + ½mσ²k/(n − k − 1): the misfit is inflated too."
    ),
    source=DERIVED,
    parts=parts_of(
        Kind.IDENTITY,
        sp.Tuple(
            sp.Eq(sp.Trace(M_t * Sigma * M_t.T) / 2, EXCESS, evaluate=False),
            sp.Le(excess_0, BOUND),
            sp.Eq(excess, FINITE, evaluate=False),
        ),
        ("population", "bound", "finite"),
    ),
    definitions={
        M_t: F_t * G_star - F_best * G,
        F_best: F_t * G_star * Sigma * G.T * (G * Sigma * G.T).inv(),
        D_t: MISSED,
    },
    assumptions=(*RANKS, GAUSSIAN, Assumption("at least k + 2 rows", n >= k + 2)),
    example=EXAMPLE,
    beyond_paper=True,
)
