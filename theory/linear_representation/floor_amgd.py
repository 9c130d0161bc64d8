"""LR-16: the stationary error of AMGD under label noise."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, parts_of
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    NO_DAMPING,
    RANKS,
    STEP_POSITIVE,
)
from theory.linear_representation.floor_kfac import SCHUR
from theory.linear_representation.notation import (
    M_nu,
    Sigma_s,
    V_row,
    eta,
    floor_ij,
    k,
    lam_i,
    mu_j,
    n,
    sigma,
)

_FREEDOM = n - k
SECOND_MOMENT = (_FREEDOM / n**2) * (
    (_FREEDOM + 1) * Sigma_s * V_row * Sigma_s + sp.Trace(V_row * Sigma_s) * Sigma_s
)
ROW_RECURSION = (
    V_row
    - (eta * lam_i) * (V_row * M_nu + M_nu * V_row)
    + (eta * lam_i) ** 2 * SECOND_MOMENT
    + (eta**2 * sigma**2 * lam_i / n) * M_nu
)
ENTRY_FLOOR = eta * sigma**2 / (n * (2 - eta * lam_i * mu_j))

LR_16 = Claim(
    id="LR-16",
    title="Noise floor of AMGD",
    says=(
        "In the eigenbasis of H the stationary covariance of each row of T is the fixed point of "
        "an exact Wishart recursion. For large batches the variance along eigenvectors is "
        "ησ²/(n(2 − ηλ_iμ_j)): flat directions are slow, but their noise is not amplified."
    ),
    source=DERIVED,
    parts=parts_of(
        Kind.LIMIT,
        sp.Tuple(
            sp.Eq(V_row, ROW_RECURSION, evaluate=False),
            sp.Eq(floor_ij, ENTRY_FLOOR, evaluate=False),
        ),
        ("recursion", "large_batch"),
    ),
    definitions={M_nu: (_FREEDOM / n) * Sigma_s, **SCHUR},
    assumptions=(
        *RANKS,
        NO_DAMPING,
        GAUSSIAN,
        STEP_POSITIVE,
        Assumption("the step is locally stable", eta * lam_i * mu_j < 2),
        Assumption("more rows than the rank", n > k),
    ),
    example={**EXAMPLE, "head_eigenvalue": 1.0, "schur_eigenvalue": 1.0},
    beyond_paper=True,
)
