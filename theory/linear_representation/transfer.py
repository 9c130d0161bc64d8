"""LR-26: what an imperfect representation costs a new task."""

import sympy as sp

from theory.claim import Assumption, Claim, Kind
from theory.linear_representation.domain import DERIVED, EXAMPLE, GAUSSIAN, PAPER, RANKS
from theory.notation import (
    D_t,
    F_t,
    G,
    G_star,
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

_BEST = F_t * G_star * Sigma * G.T * (G * Sigma * G.T).inv()
_MISFIT = F_t * G_star - _BEST * G
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
        "The best new head on a frozen representation leaves an excess 1/2 tr(F_t D F_t'), D the "
        "part of the true representation that the frozen one misses, at most 1/2 lmax(Sigma) "
        "|F_t|^2 dist^2. Fitted on n Gaussian rows the mean excess is e0 (n-1)/(n-k-1) + "
        "(m sigma^2/2) k/(n-k-1): the misspecification is inflated too."
    ),
    kind=Kind.IDENTITY,
    source=PAPER + "; finite rows " + DERIVED,
    statement=sp.Tuple(
        sp.Eq(sp.Trace(_MISFIT * Sigma * _MISFIT.T) / 2, EXCESS, evaluate=False),
        sp.Le(excess_0, BOUND),
        sp.Eq(excess, FINITE, evaluate=False),
    ),
    parts=("population", "bound", "finite"),
    definitions={D_t: MISSED},
    assumptions=(*RANKS, GAUSSIAN, Assumption("at least rank + 2 rows", n >= k + 2)),
    example=EXAMPLE,
    beyond_paper=True,
)
