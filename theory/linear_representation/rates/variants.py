"""Multipliers of KFAC's variants near the solution, and what momentum makes of a multiplier."""

from typing import Any

import numpy as np

from theory.core.guards import Array, choice, count, eigenvalues, number, positive_definite, truth
from theory.linear_representation.contraction.kfac_damped import LR_05
from theory.linear_representation.rates.momentum import KINDS as MOMENTUM
from theory.linear_representation.rates.momentum import momentum_spectrum
from theory.linear_representation.rates.spectra import modes, moving, sizes_of
from theory.linear_representation.variants.factors.damped_rate import (
    KINDS,
    damped_eigenvalues,
    damped_rate,
    joint_moving,
)
from theory.linear_representation.variants.factors.factor_floor import FACTORS, factor_multiplier
from theory.linear_representation.variants.factors.output_factor import KINDS as OUTPUTS
from theory.linear_representation.variants.factors.output_factor import LR_33
from theory.linear_representation.variants.steps.weight_decay import LR_39

DEFAULTS: dict[str, Any] = {
    "damping": 0,
    "output_damping": 0,
    "damping_kind": "factor",
    "factor": "same_batch",
    "output_factor": "gauss_newton",
    "weight_decay": 0,
    "momentum": 0,
}
KNOWN = {
    "damping": ("kfac", "kfac_joint"),
    "output_damping": ("kfac", "kfac_joint"),
    "factor": ("kfac",),
    "output_factor": ("kfac",),
    "weight_decay": ("kfac", "kfac_joint"),
    "momentum": ("kfac", "amgd"),
}
ONLY_WITH = {
    "decay": ("factor", "average"),
    "factor_rows": ("factor", "independent"),
    "samples_per_row": ("output_factor", "sampled"),
}


def variant_of(method: str, given: dict[str, Any]) -> str | None:
    """Return which variant is asked for, None for the plain method.

    Raises: ValueError for a variant of a method, or a combination, whose rate is not known.
    """
    choice("damping_kind", given["damping_kind"], KINDS)
    choice("factor", given["factor"], FACTORS)
    choice("output_factor", given["output_factor"], OUTPUTS)
    choice("momentum_kind", given["momentum_kind"], MOMENTUM)
    truth("includes_current", given["includes_current"])
    for name in ("damping", "output_damping", "weight_decay"):
        number(name, given[name], low=0.0)
    number("momentum", given["momentum"], low=0.0, high=1.0, open_high=True)
    for name, (owner, needed) in ONLY_WITH.items():
        if given[name] is not None and given[owner] != needed:
            raise ValueError(f"{name}={given[name]!r}, needs {owner}={needed!r}")
    changed = [name for name in KNOWN if given[name] != DEFAULTS[name]]
    for name in changed:
        if method not in KNOWN[name]:
            raise ValueError(
                f"{name}={given[name]!r}, needs {DEFAULTS[name]!r} with method={method!r}: the "
                f"rate is known for {' and '.join(KNOWN[name])}"
            )
    if given["damping_kind"] != "factor" and "output_damping" in changed:
        raise ValueError(
            f"output_damping={given['output_damping']!r}, needs 0 with "
            f"damping_kind={given['damping_kind']!r}"
        )
    others = [name for name in changed if name != "momentum"]
    memory = given["factor"] == "average" or "weight_decay" in others
    together = changed if memory else others
    if len(together) > 1 and set(together) != {"damping", "output_damping"}:
        both = " with ".join(f"{name}={given[name]!r}" for name in together)
        raise ValueError(f"{both}, needs one of them alone: no statement knows both")
    if not others:
        return None
    return "damping" if others[0] == "output_damping" else others[0]


def kfac(variant: str, eta: float, given: dict[str, Any]) -> Any:
    """Return the multipliers of a variant with the head refitted."""
    facts: dict[str, float] = {"step_size": eta}
    if variant == "damping":
        return _damped(eta, given)
    if variant == "weight_decay":
        w = number("weight_decay", given["weight_decay"], low=0.0)
        number("step_size times weight_decay", eta * w, high=1.0, open_high=True)
        return LR_39["refit_tangent"].number(**facts, decay_rate=w)
    k = count("rank", _rank(given))
    if variant == "factor":
        return factor_multiplier(
            given["factor"],
            step_size=eta,
            n=count("n", given["n"]),
            d=count("input_dim", _dim(given)),
            k=k,
            **{name: given[name] for name in ("decay", "includes_current", "factor_rows")},
        )
    if given["output_factor"] == "sampled":
        facts["samples_per_row"] = count("samples_per_row", given["samples_per_row"])
        rows = count("n", given["n"])
        number("n samples_per_row", rows * facts["samples_per_row"], low=k + 2)
    else:
        facts["noise_std"] = number("noise_std", given["noise_std"], low=0.0, open_low=True)
        rows = count("n", given["n"], low=k + 1)
    return LR_33[given["output_factor"]].number(**facts, batch_size=rows, rank=k)


def kfac_joint(variant: str, eta: float, eta_F: float, given: dict[str, Any]) -> Any:
    """Return the multipliers of a variant with both layers moved at once, the gauge left out."""
    if given["in_turn"]:
        raise ValueError(f"in_turn=True with {variant}, needs False: the rate is not known")
    k, m = count("rank", _rank(given)), given["output_dim"]
    m = k + 1 if m is None else count("output_dim", m, low=k)
    if variant == "weight_decay":
        w = number("weight_decay", given["weight_decay"], low=0.0)
        sizes = sizes_of(k, k + 1, m)
        return moving(
            modes(LR_39, "decoupled", sizes, step_size=eta, head_step_size=eta_F, decay_rate=w)
        )
    lam = eigenvalues("head_eigenvalues", given["head"])
    cov = positive_definite("cov_x", given["cov_x"])
    number("rank", lam.size, high=len(cov), open_high=True)
    return joint_moving(
        given["damping_kind"],
        lam,
        cov,
        m,
        damping=given["damping"],
        output_damping=given["output_damping"],
        step_size=eta,
        head_step_size=eta_F,
    )


def with_momentum(multipliers: Any, eta: float, given: dict[str, Any]) -> Any:
    """Return the two multipliers of every mode; one step alone takes the share eta h from it."""
    b = given["momentum"]
    if not b:
        return multipliers
    number("step_size", eta, low=0.0, open_low=True)
    h: Array = (1.0 - np.asarray(multipliers, dtype=np.float64)) / eta
    return np.abs(momentum_spectrum(given["momentum_kind"], step_size=eta, momentum=b, h=h))


def _damped(eta: float, given: dict[str, Any]) -> Any:
    cov = positive_definite("cov_x", given["cov_x"])
    kind, left = given["damping_kind"], given["output_damping"]
    if kind == "factor" and left == 0.0:
        rank = count("rank", _rank(given))
        nu = damped_eigenvalues(cov, rank=rank, damping=given["damping"])
        return LR_05["rate"].number(step_size=eta, damped_eigenvalue=nu)
    lam = eigenvalues("head_eigenvalues", given["head"])
    return damped_rate(
        kind,
        step_size=eta,
        damping=given["damping"],
        output_damping=left,
        head_eigenvalues=lam,
        cov_x=cov,
    )


def _rank(given: dict[str, Any]) -> int | None:
    """Return the rank; it may come from the eigenvalues of the head."""
    if given["rank"] is None and given["head"] is not None:
        return eigenvalues("head_eigenvalues", given["head"]).size
    rank: int | None = given["rank"]
    return rank


def _dim(given: dict[str, Any]) -> int | None:
    """Return the number of inputs; it may come from the covariance or from both spectra."""
    if given["input_dim"] is not None:
        dim: int = given["input_dim"]
        return dim
    if given["cov_x"] is not None:
        return len(positive_definite("cov_x", given["cov_x"]))
    if given["head"] is not None and given["schur"] is not None:
        lam = eigenvalues("head_eigenvalues", given["head"])
        return lam.size + eigenvalues("schur_eigenvalues", given["schur"]).size
    return None
