"""Stationary E|T|_F^2 under label noise, for each method."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from theory.core.guards import (
    Array,
    choice,
    count,
    eigenvalues,
    finite_if_given,
    finite_result,
    number,
    truth,
)
from theory.linear_representation.noise_floors.adam import LR_22
from theory.linear_representation.noise_floors.empirical_fisher import LR_21
from theory.linear_representation.noise_floors.floor_amgd import LR_16
from theory.linear_representation.noise_floors.floor_kfac import LR_12
from theory.linear_representation.noise_floors.muon import LR_24
from theory.linear_representation.variants.factors.factor_floor import FACTORS, factor_floor
from theory.linear_representation.variants.models.bias import LR_44
from theory.linear_representation.variants.models.kurtosis import LR_42
from theory.linear_representation.variants.steps.gradient_floor import row_floor

METHODS = ("kfac", "ngd", "amgd", "amgd_large_batch", "ngd_empirical", "adam", "muon")


def tangent_floor(
    method: str,
    *,
    step_size: float,
    noise_std: float,
    n: int,
    head_eigenvalues: ArrayLike,
    schur_eigenvalues: ArrayLike,
    output_dim: int | None = None,
    kurtosis: float = 0.0,
    bias: bool = False,
    factor: str = "same_batch",
    **factor_options: Any,
) -> float:
    """Return the stationary E|T|_F^2 with fresh Gaussian batches of n rows.

    head_eigenvalues (k,) of F*'F*, [y]^2; schur_eigenvalues (d-k,) of Sigma_s, [x]^2; noise_std in
    [y]. method:

    - "kfac", "ngd" (true Fisher matrix): leading order in noise_std^2/n
    - "amgd": exact at the level linear in T; "amgd_large_batch": its limit for many rows
    - "ngd_empirical": needs output_dim
    - "adam": eigenvalues are the diagonals of diagonal H and Sigma
    - "muon": Sigma = I only, rank much smaller than the input

    For "kfac" and "ngd" only: kurtosis, the excess kurtosis of independent symmetric components
    (terms of order d/n^2 are left out); bias, a bias as one more column of the first layer. For
    "kfac" only: factor and its options decay, includes_current, factor_rows, head and
    head_step_size, as in :func:`factor_floor`.
    Raises: ValueError on another method, a bad argument, an unstable step size (no floor), or
    where there is no formula: kurtosis, bias or a factor for other methods, or two at once.
    Source: derived (LR-12, LR-16, LR-20 to LR-22, LR-24, LR-29, LR-30, LR-32, LR-42, LR-44).
    """
    choice("method", method, METHODS)
    choice("factor", factor, FACTORS)
    truth("bias", bias)
    finite_if_given(output_dim=output_dim)
    lam = eigenvalues("head_eigenvalues", head_eigenvalues)
    mu = eigenvalues("schur_eigenvalues", schur_eigenvalues)
    eta = number("step_size", step_size, low=0.0, open_low=True)
    sigma = number("noise_std", noise_std, low=0.0)
    rows = count("n", n)
    k, d = lam.size, lam.size + mu.size
    g = number("kurtosis", kurtosis, low=-2.0)
    if (g != 0.0 or bias) and method not in ("kfac", "ngd"):
        raise ValueError(f"kurtosis={g}, bias={bias} for method {method!r}, needs 'kfac' or 'ngd'")
    if factor != "same_batch" or factor_options:
        if method != "kfac" or g != 0.0 or bias:
            raise ValueError(
                f"factor={factor!r} for method {method!r}, needs 'kfac' without kurtosis and bias"
            )
        unit = sigma**2 * float((1.0 / lam).sum() * (1.0 / mu).sum())
        return unit * factor_floor(factor, step_size=eta, n=rows, d=d, k=k, **factor_options)
    if method in ("kfac", "ngd"):
        number("step_size", eta, high=2.0, open_high=True)
        count("n", rows, low=d + 3 if bias else d + 2)
        found = _kfac(_traces(lam, mu, eta, sigma), {"n": rows, "d": d, "k": k}, g, bias)
        return float(finite_result("floor", found))
    if method == "amgd":
        count("n", rows, low=k + 1)
        return sum(
            row_floor(float(value), mu, step_size=eta, noise_std=sigma, n=rows, rank=k)
            for value in lam
        )
    if method == "ngd_empirical":
        number("noise_std", sigma, low=0.0, open_low=True)
        m = count("output_dim", output_dim, low=k)
        number("step_size", eta, high=2 * sigma**2, open_high=True)
        count("n", rows, low=k * (m + d - k) + 2)
        return float(
            LR_21["floor"].matrix(
                _values(lam, mu, eta, sigma), sizes={"n": rows, "d": d, "m": m, "k": k}
            )
        )
    if method == "amgd_large_batch":
        number("step_size", eta, high=2 / float(lam.max() * mu.max()), open_high=True)
    if method == "muon" and not np.allclose(mu, 1.0, rtol=1e-12, atol=0.0):
        raise ValueError(f"schur_eigenvalues={mu}, needs all 1 (Sigma = I) for method 'muon'")
    known = {
        "step_size": eta,
        "noise_std": sigma,
        "batch_size": rows,
        "head_eigenvalue": lam[:, None],
    }
    if method == "muon":
        entries = LR_24["floor"].number(**known, input_dim=d)
    elif method == "amgd_large_batch":
        entries = LR_16["large_batch"].number(**known, schur_eigenvalue=mu)
    else:
        entries = LR_22["floor"].number(**known, schur_eigenvalue=mu)
    return float(finite_result("floor", np.broadcast_to(entries, (k, mu.size)).sum()))


def _kfac(
    values: dict[str, Array | float], sizes: dict[str, int], kurtosis: float, bias: bool
) -> float:
    if bias and kurtosis != 0.0:
        raise ValueError(f"kurtosis={kurtosis} with bias=True, needs 0: one of the two at a time")
    if bias:
        return float(LR_44["floor"].matrix(values, sizes=sizes))
    if kurtosis != 0.0:
        return float(LR_42["floor"].matrix({**values, "g_4": kurtosis}, sizes=sizes))
    return float(LR_12["floor"].matrix(values, sizes=sizes))


def _traces(lam: Array, mu: Array, eta: float, sigma: float) -> dict[str, Array | float]:
    """Return one mode with tr(H^-1) and tr(Sigma_s^-1) of all: nothing else enters these floors."""
    alone = [np.array([[1.0 / float((1.0 / values).sum())]]) for values in (lam, mu)]
    return {"eta": eta, "sigma": sigma, "H": alone[0], "Sigma_s": alone[1]}


def _values(lam: Array, mu: Array, eta: float, sigma: float) -> dict[str, Array | float]:
    return {"eta": eta, "sigma": sigma, "H": np.diag(lam), "Sigma_s": np.diag(mu)}
