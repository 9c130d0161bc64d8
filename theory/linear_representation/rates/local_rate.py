"""Local contraction per step of the tangent matrix, for each method."""

from collections.abc import Callable
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
from theory.linear_representation.noise_floors.muon import LR_24
from theory.linear_representation.noise_floors.shampoo import LR_23
from theory.linear_representation.rates import variants
from theory.linear_representation.rates.joint import LR_18
from theory.linear_representation.rates.joint_kfac import LR_19
from theory.linear_representation.rates.local import LR_15
from theory.linear_representation.rates.natural_gradient import LR_20
from theory.linear_representation.rates.spectra import modes, moving, sizes_of


def local_rate(
    method: str,
    *,
    step_size: float,
    head_eigenvalues: ArrayLike | None = None,
    schur_eigenvalues: ArrayLike | None = None,
    head_step_size: float | None = None,
    in_turn: bool = False,
    damping: float = 0.0,
    cov_x: ArrayLike | None = None,
    rank: int | None = None,
    noise_std: float | None = None,
    n: int | None = None,
    cov_trace: float | None = None,
    exponent: float = 0.25,
    output_dim: int | None = None,
    input_dim: int | None = None,
    damping_kind: str = "factor",
    output_damping: float = 0.0,
    factor: str = "same_batch",
    decay: float | None = None,
    includes_current: bool = True,
    factor_rows: int | None = None,
    output_factor: str = "gauss_newton",
    samples_per_row: int | None = None,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
    momentum_kind: str = "heavy_ball",
) -> float:
    """Return the largest absolute multiplier per step near the solution, gauge excluded.

    All directions that move count, those of the head too where the method moves it by steps; a
    least-squares head follows the representation and has none of its own.

    head_eigenvalues: lambda_i of F*'F* (k,), [y]^2. schur_eigenvalues: mu_j of Sigma_s, [x]^2.

    Method and what it needs beyond step_size:

    - "kfac": nothing; with damping > 0 also cov_x (d, d) in coordinates G* = [I_k 0], and rank
    - "amgd": both spectra; with n the mean multiplier over noiseless Gaussian batches
    - "gd": head_eigenvalues (Sigma = I, balanced weights, both layers moving)
    - "ngd": nothing (true Fisher matrix)
    - "kfac_joint": head_step_size; in_turn if the second layer sees the new first one. A head
      direction of its own, with multiplier 1 - head_step_size, exists only for output_dim > rank:
      give both (rank may come from head_eigenvalues), else output_dim > rank is taken
    - "ngd_empirical": noise_std
    - "adam": both spectra as diagonals of diagonal H and Sigma, noise_std, n
    - "shampoo": both spectra, noise_std, n, cov_trace = tr Sigma, exponent per side
    - "muon": both spectra, noise_std, n, cov_trace

    For the last three (head kept at F*, noise-dominated) schur_eigenvalues are those of Sigma.

    Variants of "kfac", one at a time; those marked (+) of "kfac_joint" too:

    - (+) damping, output_damping, damping_kind "factor", "kronecker" or "pi", as in
      :func:`damped_rate`; needs cov_x, and head_eigenvalues where the head enters
    - factor and decay, includes_current, factor_rows, as in :func:`factor_multiplier`: the
      multiplier of the mean of T; needs n, rank and input_dim (or what has these sizes)
    - output_factor, samples_per_row, noise_std, as in :func:`output_factor`; needs n and rank
    - (+) weight_decay: decoupled, times the step size; needs rank for "kfac_joint"
    - momentum with momentum_kind, as in :func:`momentum_spectrum`: for "kfac", also with damping
      or with a factor that keeps no average, and for "amgd"

    Raises: ValueError on another method, a missing argument or one out of bounds, or for a variant
    or a combination whose rate no statement gives.
    Source: derived (LR-05, LR-15, LR-18 to LR-24, LR-29, LR-30, LR-33, LR-36 to LR-39).
    """
    choice("method", method, METHODS)
    facts: dict[str, Any] = {"step_size": number("step_size", step_size, low=0.0)}
    given = {
        "head": head_eigenvalues,
        "schur": schur_eigenvalues,
        "head_step_size": head_step_size,
        "in_turn": truth("in_turn", in_turn),
        "damping": damping,
        "cov_x": cov_x,
        "rank": rank,
        "noise_std": noise_std,
        "n": n,
        "cov_trace": cov_trace,
        "exponent": exponent,
        "output_dim": output_dim,
        "input_dim": input_dim,
        "damping_kind": damping_kind,
        "output_damping": output_damping,
        "factor": factor,
        "decay": decay,
        "includes_current": includes_current,
        "factor_rows": factor_rows,
        "output_factor": output_factor,
        "samples_per_row": samples_per_row,
        "weight_decay": weight_decay,
        "momentum": momentum,
        "momentum_kind": momentum_kind,
    }
    finite_if_given(
        head_eigenvalues=head_eigenvalues,
        schur_eigenvalues=schur_eigenvalues,
        head_step_size=head_step_size,
        cov_x=cov_x,
        rank=rank,
        noise_std=noise_std,
        n=n,
        cov_trace=cov_trace,
        output_dim=output_dim,
        input_dim=input_dim,
        decay=decay,
        factor_rows=factor_rows,
        samples_per_row=samples_per_row,
    )
    number("exponent", exponent)
    variant = variants.variant_of(method, given)
    if variant is None:
        found = _RATES[method](facts, given)
    elif method == "kfac":
        found = variants.kfac(variant, facts["step_size"], given)
    else:
        head_step = number("head_step_size", head_step_size, low=0.0)
        found = variants.kfac_joint(variant, facts["step_size"], head_step, given)
    found = variants.with_momentum(found, facts["step_size"], given)
    values = finite_result(f"local rate of {method}", found)
    return float(np.abs(values).max())


def _pairs(given: dict[str, Any]) -> dict[str, Array]:
    return {
        "head_eigenvalue": eigenvalues("head_eigenvalues", given["head"])[:, None],
        "schur_eigenvalue": eigenvalues("schur_eigenvalues", given["schur"]),
    }


def _noise(given: dict[str, Any]) -> dict[str, float]:
    return {
        "noise_std": number("noise_std", given["noise_std"], low=0.0, open_low=True),
        "batch_size": count("n", given["n"]),
    }


def _kfac(facts: dict[str, Any], _: dict[str, Any]) -> Any:
    return LR_15["kfac"].number(**facts)


def _amgd(facts: dict[str, Any], given: dict[str, Any]) -> Any:
    pairs = _pairs(given)
    if given["n"] is None:
        return LR_15["entry"].number(**facts, **pairs)
    k = pairs["head_eigenvalue"].size
    rows = count("n", given["n"], low=k + 1)
    return LR_15["batch"].number(**facts, **pairs, rank=k, batch_size=rows)


def _gd(facts: dict[str, Any], given: dict[str, Any]) -> Any:
    lam = eigenvalues("head_eigenvalues", given["head"])
    sizes = _sizes(lam.size, given["output_dim"])
    return moving(modes(LR_18, "balanced", sizes, head_eigenvalues=lam, **facts))


def _natural(facts: dict[str, Any], given: dict[str, Any]) -> Any:
    return moving(modes(LR_20, "natural", _sizes(1, None), **facts))


def _kfac_joint(facts: dict[str, Any], given: dict[str, Any]) -> Any:
    head_step = number("head_step_size", given["head_step_size"], low=0.0)
    spectrum = "in_turn" if given["in_turn"] else "together"
    rank, m = given["rank"], given["output_dim"]
    if rank is None and given["head"] is not None:
        rank = eigenvalues("head_eigenvalues", given["head"]).size
    sizes = _sizes(1 if rank is None and m is None else count("rank", rank), m)
    return moving(modes(LR_19, spectrum, sizes, head_step_size=head_step, **facts))


def _sizes(rank: int, output_dim: int | None) -> dict[str, int]:
    """Return sizes with every mode of a proper subspace; output_dim None: more than the rank."""
    return sizes_of(rank, rank + 1, rank + 1 if output_dim is None else output_dim)


def _empirical(facts: dict[str, Any], given: dict[str, Any]) -> Any:
    noise = number("noise_std", given["noise_std"], low=0.0, open_low=True)
    return LR_21["contraction"].number(**facts, noise_std=noise)


def _adam(facts: dict[str, Any], given: dict[str, Any]) -> Any:
    return LR_22["rate"].number(**facts, **_pairs(given), **_noise(given))


def _shampoo(facts: dict[str, Any], given: dict[str, Any]) -> Any:
    pairs = _pairs(given)
    return LR_23["multiplier"].number(
        **facts,
        **pairs,
        **_noise(given),
        **_trace(given),
        head_trace=pairs["head_eigenvalue"].sum(),
        shampoo_exponent=number("exponent", given["exponent"], low=0.0, high=1.0),
    )


def _muon(facts: dict[str, Any], given: dict[str, Any]) -> Any:
    return LR_24["noise_dominated"].number(
        **facts, **_pairs(given), **_noise(given), **_trace(given)
    )


def _trace(given: dict[str, Any]) -> dict[str, float]:
    return {"cov_trace": number("cov_trace", given["cov_trace"], low=0.0, open_low=True)}


_RATES: dict[str, Callable[[dict[str, Any], dict[str, Any]], Any]] = {
    "kfac": _kfac,
    "amgd": _amgd,
    "gd": _gd,
    "ngd": _natural,
    "kfac_joint": _kfac_joint,
    "ngd_empirical": _empirical,
    "adam": _adam,
    "shampoo": _shampoo,
    "muon": _muon,
}
METHODS = tuple(_RATES)
