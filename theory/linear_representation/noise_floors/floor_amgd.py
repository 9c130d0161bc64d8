"""LR-16: the stationary error of AMGD under label noise."""

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

LR_16 = Claim(
    id="LR-16",
    title="Noise floor of AMGD",
    says=(
        "In the eigenbasis of H the stationary covariance V_i of the i-th row of T is the fixed "
        "point of an exact recursion: a Schur complement of the batch is Wishart with n − k "
        "degrees of freedom. For large batches the variance of an entry along eigenvectors is "
        "ησ²/(n(2 − ηλ_iμ_j)). So flat directions are slow, but their noise is not amplified."
    ),
    source=DERIVED,
    parts={
        "recursion": Part(
            Kind.LIMIT,
            sp.Eq(
                V_row,
                V_row
                - (eta * lam_i) * (V_row * M_nu + M_nu * V_row)
                + (eta * lam_i) ** 2
                * (_FREEDOM / n**2)
                * ((_FREEDOM + 1) * Sigma_s * V_row * Sigma_s + sp.Trace(V_row * Sigma_s) * Sigma_s)
                + (eta**2 * sigma**2 * lam_i / n) * M_nu,
                evaluate=False,
            ),
        ),
        "large_batch": Part(
            Kind.LIMIT,
            sp.Eq(floor_ij, eta * sigma**2 / (n * (2 - eta * lam_i * mu_j)), evaluate=False),
        ),
    },
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


def stationary_variance(
    head_eigenvalue: float,
    schur_eigenvalues: Array,
    *,
    step_size: float,
    noise_std: float,
    n: int,
    rank: int,
) -> float:
    """Return tr V_i, the fixed point of the recursion of one row of T.

    schur_eigenvalues (d-k,): in their basis both sides of the recursion are diagonal.
    Raises: ValueError if the recursion grows: the step size is unstable in mean square.
    Source: derived (LR-16).
    """
    size = schur_eigenvalues.size
    units = np.eye(size)[:, :, None] * np.eye(size)[:, None, :]
    images = LR_16["recursion"].matrix(
        {
            "eta": step_size,
            "sigma": noise_std,
            "lambda_i": head_eigenvalue,
            "Sigma_s": np.diag(schur_eigenvalues),
            "V_i": np.concatenate([np.zeros((1, size, size)), units]),
        },
        sizes={"n": n, "k": rank, "d": rank + size},
    )
    constant, *columns = np.diagonal(images, axis1=-2, axis2=-1)
    linear = np.column_stack(columns) - constant[:, None]
    radius = float(np.abs(np.linalg.eigvals(linear)).max())
    if radius >= 1:
        raise ValueError(
            f"step_size={step_size}: mean-square multiplier {radius:.6g} at head eigenvalue "
            f"{head_eigenvalue}, needs < 1"
        )
    return float(np.linalg.solve(np.eye(size) - linear, constant).sum())
