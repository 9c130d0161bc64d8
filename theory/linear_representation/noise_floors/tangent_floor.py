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
from theory.linear_representation.rates.momentum import momentum_floor
from theory.linear_representation.variants.factors.factor_floor import FACTORS, factor_floor
from theory.linear_representation.variants.factors.input_factor_stale import cycle_floor
from theory.linear_representation.variants.factors.output_factor import KINDS as OUTPUTS
from theory.linear_representation.variants.factors.output_factor import (
    output_factor as output_factor_of,
)
from theory.linear_representation.variants.models.bias import LR_44
from theory.linear_representation.variants.models.kurtosis import LR_42, inverse_scale
from theory.linear_representation.variants.steps.gradient_floor import row_floor

INPUTS = ("kurtosis", "scales", "bias")
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
    scales: ArrayLike | None = None,
    momentum: float = 0.0,
    momentum_kind: str = "heavy_ball",
    output_factor: str = "gauss_newton",
    samples_per_row: int | None = None,
    factor_every: int = 1,
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

    Variants of "kfac", one at a time; those marked (+) of "ngd" too:

    - (+) kurtosis, the excess kurtosis of independent symmetric components (terms of order d/n^2
      are left out), or scales of elliptical inputs as in :func:`inverse_scale`
    - (+) bias, a bias as one more column of the first layer
    - momentum with momentum_kind, as in :func:`momentum_floor`
    - output_factor and samples_per_row, as in :func:`output_factor`
    - factor_every, steps on one factor: the floor at the end of a cycle (:func:`cycle_floor`)
    - factor and its options decay, includes_current, factor_rows, head and head_step_size, as in
      :func:`factor_floor`

    Raises: ValueError on another method, a bad argument, an unstable step size (no floor), or
    where there is no formula: a variant of another method, or two at once.
    Source: derived (LR-12, LR-16, LR-20 to LR-22, LR-24, LR-29 to LR-33, LR-38, LR-42, LR-44).
    """
    choice("method", method, METHODS)
    choice("factor", factor, FACTORS)
    choice("output_factor", output_factor, OUTPUTS)
    truth("bias", bias)
    finite_if_given(output_dim=output_dim)
    lam = eigenvalues("head_eigenvalues", head_eigenvalues)
    mu = eigenvalues("schur_eigenvalues", schur_eigenvalues)
    eta = number("step_size", step_size, low=0.0, open_low=True)
    sigma = number("noise_std", noise_std, low=0.0)
    rows = count("n", n)
    k, d = lam.size, lam.size + mu.size
    g = number("kurtosis", kurtosis, low=-2.0)
    given: dict[str, tuple[Any, bool]] = {
        "kurtosis": (g, g != 0.0),
        "scales": (scales, scales is not None),
        "bias": (bias, bool(bias)),
        "momentum": (momentum, number("momentum", momentum, low=0.0) != 0.0),
        "output_factor": (output_factor, output_factor != "gauss_newton"),
        "factor_every": (factor_every, count("factor_every", factor_every) > 1),
        "factor": (factor, factor != "same_batch" or bool(factor_options)),
    }
    variant = _only_one(method, {name: value for name, (value, used) in given.items() if used})
    if samples_per_row is not None and output_factor != "sampled":
        raise ValueError(f"samples_per_row={samples_per_row}, needs output_factor='sampled'")
    sizes = {"n": rows, "d": d, "k": k}
    unit = sigma**2 * float((1.0 / lam).sum() * (1.0 / mu).sum())
    if variant == "factor":
        return unit * factor_floor(factor, step_size=eta, n=rows, d=d, k=k, **factor_options)
    if variant == "factor_every":
        return unit * cycle_floor(factor_every=factor_every, step_size=eta, **sizes)
    if variant == "output_factor":
        _, relative = output_factor_of(
            output_factor,
            step_size=eta,
            samples_per_row=samples_per_row,
            noise_std=sigma,
            **sizes,
        )
        return unit * relative
    if variant == "momentum":
        count("n", rows, low=d + 2)
        found = momentum_floor(momentum_kind, step_size=eta, momentum=momentum)
        return unit * found / (rows - d - 1)
    if method in ("kfac", "ngd"):
        number("step_size", eta, high=2.0, open_high=True)
        count("n", rows, low=d + 3 if bias else d + 2)
        found = _kfac(_traces(lam, mu, eta, sigma), sizes, g, bias)
        if scales is not None:
            found *= inverse_scale(n=rows, d=d, scales=scales) / inverse_scale(n=rows, d=d)
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


def _only_one(method: str, used: dict[str, Any]) -> str | None:
    """Return the name of the one variant that is used, None if there is none."""
    shown = [f"{name}={value!r}" for name, value in used.items()]
    for name, one in zip(used, shown, strict=True):
        owners = ("kfac", "ngd") if name in INPUTS else ("kfac",)
        if method not in owners:
            raise ValueError(f"{one} for method {method!r}, needs {' or '.join(map(repr, owners))}")
    if len(shown) > 1:
        raise ValueError(f"{' with '.join(shown)}, needs one of them alone: no formula for both")
    return next(iter(used), None)


def _kfac(
    values: dict[str, Array | float], sizes: dict[str, int], kurtosis: float, bias: bool
) -> float:
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
