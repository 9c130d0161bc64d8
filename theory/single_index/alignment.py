"""How well one step aligns the first layer with the teacher, for every method: one entrance."""

from __future__ import annotations

import numpy.typing as npt

from theory.core.resolvent import resolvent
from theory.core.spectrum import Array, Spectrum
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.domain import (
    need_finite,
    need_link,
    need_nonnegative,
    need_one_of,
    need_positive,
    need_spectrum,
)
from theory.single_index.sign_step import SIGN, SIGN_BETA
from theory.single_index.teacher import energy_per_eigenspace

METHODS = ("sgd", "kfac", "sign", "sign_beta", "batch_norm", "polar")
STATS = ("c0", "c_act", "act_prime_var", "act_second", "rotated")


def alignment(
    method: str,
    *,
    spectrum: Spectrum,
    aspect: float,
    c1: float,
    residual_var: float,
    damping: float | None = None,
    weight: str = "identity",
    teacher_energy: npt.ArrayLike | None = None,
    **stats: float | bool,
) -> float:
    """Return the limit of the squared alignment of the learned direction with the teacher.

    method: "sgd"; "kfac" (input covariance of the same batch, inverted with ``damping``; 0.0 is the
        ridgeless limit, the pseudo-inverse where aspect > 1); "sign" (first step of Adam: top right
        singular vector of the sign matrix); "sign_beta" (the sign of beta); "batch_norm" (batch
        normalisation of pre-activations, then SGD); "polar" (orthogonalised gradient: the top
        singular vector of the new weights overlaps the teacher by O(1/d), hence 0.0).
    weight: "identity" gives the squared cosine, "covariance" the squared correlation of beta.x with
        beta*.x; "sign", "sign_beta" and "polar" have a formula for "identity" only.
    teacher_energy: (k,) energy of beta* in each eigenspace, for "sgd" and "kfac"; rescaled so that
        beta*' S beta* = 1. Without it the teacher is isotropic.
    stats: c0 (batch_norm; sign where act_second != 0), c_act, act_prime_var, act_second (sign),
        rotated=True for eigenvectors in general position, False (default) for a diagonal
        covariance (sign, sign_beta). Known statistics that a method does not use are ignored.
    Units:  spectrum and damping in [x]^2, c1 in [y], residual_var in [y]^2; the result is pure.
    Raises: ValueError for a value outside its bound, a missing statistic, an unknown name, a
        damping given to a method without one, a weight without a formula.
    Source: Zhang et al. 2025, Theorem 3.9, for SGD and KFAC; the other methods derived.
    """
    need_one_of("method", method, METHODS)
    need_one_of("weight", weight, ge.WEIGHTS)
    need_spectrum(spectrum)
    need_positive(aspect=aspect)
    need_link(c1, residual_var)
    unknown = set(stats) - set(STATS)
    if unknown:
        raise ValueError(f"stats={sorted(unknown)}, needs names from {STATS}")
    if method != "kfac" and damping is not None:
        raise ValueError(f"damping={damping!r}, needs None for method {method!r}")
    if method not in ("sgd", "kfac") and teacher_energy is not None:
        raise ValueError(f"teacher_energy has no formula for method {method!r}, needs None")
    if method in ("sign", "sign_beta", "polar") and weight != "identity":
        raise ValueError(f"weight={weight!r} has no formula for method {method!r}")
    energy = None
    if teacher_energy is not None:
        energy = energy_per_eigenspace(spectrum, teacher_energy)
    if method == "polar":
        return 0.0
    if method == "kfac":
        return _kfac(spectrum, aspect, c1, residual_var, damping, weight, energy)
    common = {"aspect": aspect, "c1": c1, "residual_var": residual_var}
    if method == "sgd":
        formula = (ge.SGD if energy is None else ge.SGD_TEACHER)[weight]
        return formula(spectrum, energy, **common)
    if method == "batch_norm":
        common["residual_var"] = centred_residual(residual_var, _stat(stats, method, "c0"))
        return ge.SGD[weight](spectrum, **common)
    rotated = bool(stats.get("rotated", False))
    if method == "sign_beta":
        return SIGN_BETA[rotated](spectrum, **common)
    return SIGN[rotated](spectrum, **common, **_activation(stats))


def centred_residual(residual_var: float, c0: float) -> float:
    """Return residual_var - c0^2: what is left once the mean of the labels is removed (SI-13)."""
    need_finite(c0=c0)
    if residual_var < c0 * c0 * (1 - 1e-12):
        raise ValueError(f"residual_var={residual_var!r}, needs >= c0^2 = {c0 * c0!r}")
    return max(residual_var - c0 * c0, 0.0)


def _kfac(
    spectrum: Spectrum,
    aspect: float,
    c1: float,
    residual_var: float,
    damping: float | None,
    weight: str,
    energy: Array | None,
) -> float:
    if damping is None:
        raise ValueError("damping=None, needs a number >= 0 for method 'kfac'")
    need_nonnegative(damping=damping)
    values = {"aspect": aspect, "c1": c1, "residual_var": residual_var}
    if damping == 0 and aspect == 1 and residual_var > 0:
        return 0.0  # the noise is amplified without bound
    if damping == 0 and aspect <= 1:
        if residual_var == 0:
            return 1.0  # the teacher is recovered exactly
        formula = (ge.KFAC_RIDGELESS if energy is None else ge.KFAC_RIDGELESS_TEACHER)[weight]
        return formula(spectrum, energy, **values)
    v = resolvent(spectrum, aspect=aspect, damping=damping).v
    formula = (ge.KFAC if energy is None else ge.KFAC_TEACHER)[weight]
    return formula(spectrum, energy, damping=damping, resolvent_v=float(v), **values)


def _stat(stats: dict[str, float | bool], method: str, name: str) -> float:
    if name not in stats:
        raise ValueError(f"{name} is missing, method {method!r} needs it")
    value = float(stats[name])
    need_finite(**{name: value})
    return value


def _activation(stats: dict[str, float | bool]) -> dict[str, float]:
    names = ("c_act", "act_prime_var", "act_second")
    values = {name: _stat(stats, "sign", name) for name in names}
    need_nonnegative(act_prime_var=values["act_prime_var"])
    if values["c_act"] == 0:
        raise ValueError("c_act=0.0, needs != 0: the gradient has no rank-one part")
    values["c0"] = _stat(stats, "sign", "c0") if values["act_second"] != 0 else 0.0
    return values
