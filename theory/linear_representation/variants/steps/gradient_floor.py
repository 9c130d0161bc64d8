"""LR-32: the noise floors of gradient steps in closed form."""

import numpy as np
import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.guards import Array
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    NO_DAMPING,
    RANKS,
    STEP_POSITIVE,
)
from theory.linear_representation.noise_floors.floor_kfac import SCHUR
from theory.linear_representation.notation import (
    Sigma,
    Sigma_s,
    d,
    eta,
    k,
    lam_i,
    n,
    sigma,
)
from theory.linear_representation.variants.factors.notation import (
    D_full,
    D_row,
    g_row,
    v_full,
    v_row,
)


def _gain(covariance: sp.MatrixExpr, resistance: sp.MatrixExpr) -> sp.Expr:
    return eta * lam_i * sp.Trace(covariance * sp.Inverse(resistance))


def _floor(covariance: sp.MatrixExpr, resistance: sp.MatrixExpr) -> sp.Expr:
    spread = eta * sigma**2 * sp.Trace(sp.Inverse(resistance))
    return spread / (1 - _gain(covariance, resistance))


LR_32 = Claim(
    id="LR-32",
    title="Noise floors of gradient steps in closed form",
    says=(
        "In the eigenbasis of H the i-th row of T under alternating minimisation-descent settles "
        "at ησ² tr(D_i⁻¹)/(1 − g_i), with D_i = 2n − (n − k + 1)ηλ_iΣ_s and the gain g_i = "
        "ηλ_i tr(Σ_s D_i⁻¹). The mean square is stable exactly if D_i is positive definite and "
        "g_i < 1. For gradient steps with the true head held fixed the same holds for the rows of "
        "G − G⋆, with Σ in the place of Σ_s and n + 1 in that of n − k + 1. Exact at the level "
        "linear in T and σ, for any number of rows above the rank."
    ),
    source=DERIVED,
    parts={
        "floor": Part(Kind.LIMIT, sp.Eq(v_row, _floor(Sigma_s, D_row), evaluate=False)),
        "gain": Part(Kind.RATE, sp.Eq(g_row, _gain(Sigma_s, D_row), evaluate=False)),
        "frozen_head_floor": Part(Kind.LIMIT, sp.Eq(v_full, _floor(Sigma, D_full), evaluate=False)),
        "frozen_head_gain": Part(Kind.RATE, sp.Eq(g_row, _gain(Sigma, D_full), evaluate=False)),
    },
    definitions={
        D_row: 2 * n * sp.Identity(d - k) - ((n - k + 1) * eta * lam_i) * Sigma_s,
        D_full: 2 * n * sp.Identity(d) - ((n + 1) * eta * lam_i) * Sigma,
        **SCHUR,
    },
    assumptions=(
        *RANKS,
        NO_DAMPING,
        GAUSSIAN,
        STEP_POSITIVE,
        Assumption("more rows than the rank", n > k),
    ),
    example=EXAMPLE,
    beyond_paper=True,
)


def row_floor(
    head_eigenvalue: float,
    schur_eigenvalues: Array,
    *,
    step_size: float,
    noise_std: float,
    n: int,
    rank: int,
) -> float:
    """Return the stationary mean square of a row of T under alternating minimisation-descent.

    schur_eigenvalues (d-k,): the traces of the statement are sums over them.
    Raises: ValueError if the step size is unstable in mean square.
    Source: derived (LR-32).
    """
    atoms = {
        "eta": step_size,
        "sigma": noise_std,
        "lambda_i": head_eigenvalue,
        "Sigma_s": schur_eigenvalues[:, None, None],
    }
    sizes = {"n": n, "k": rank, "d": rank + 1}
    bound = 2.0 * n / (n - rank + 1)
    largest = step_size * head_eigenvalue * float(schur_eigenvalues.max())
    gains = LR_32["gain"].matrix(atoms, sizes=sizes) if largest < bound else np.array([np.inf])
    gain = float(gains.sum())
    if gain >= 1.0:
        raise ValueError(
            f"step_size={step_size}: mean-square gain {gain:.6g} at head eigenvalue "
            f"{head_eigenvalue}, needs < 1"
        )
    spreads = LR_32["floor"].matrix(atoms, sizes=sizes) * (1.0 - gains)
    return float(spreads.sum() / (1.0 - gain))
