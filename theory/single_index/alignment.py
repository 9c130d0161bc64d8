"""SI-02, SI-03: how well one step aligns the first layer with the teacher."""

from __future__ import annotations

import numpy.typing as npt
import sympy as sp

from theory.core.claim import Claim
from theory.core.formula import E
from theory.core.guards import in_float_range
from theory.core.part import Kind, Part
from theory.core.resolvent import resolvent
from theory.core.source import Source
from theory.core.spectrum import Array, Spectrum
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.assumptions import (
    BASE,
    DAMPED,
    EXAMPLE,
    LINEAR_PART,
    SAME_BATCH,
    THEOREM,
)
from theory.single_index.domain import (
    need_finite,
    need_link,
    need_nonnegative,
    need_one_of,
    need_positive,
    need_spectrum,
)
from theory.single_index.networks import batch_norm_alignment
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import c1_link as c1
from theory.single_index.notation import rho2, rho2_sgd, s2_link, v_fix
from theory.single_index.notation import s_cov as s
from theory.single_index.prediction import SI_07
from theory.single_index.sign import sign_alignment
from theory.single_index.teacher import energy_per_eigenspace, teacher_alignment

WEIGHTS = ("identity", "covariance")
METHODS = ("sgd", "kfac", "sign", "sign_beta", "batch_norm", "polar")
STATS = ("c0", "c_act", "act_prime_var", "act_second", "rotated")
_SGD = ge.isotropic(ge.sgd_alignment(ge.ONE))

SI_02 = Claim(
    id="SI-02",
    title="Alignment after one SGD step",
    says=(
        "After one plain gradient step the squared cosine between the learned and the true "
        "direction tends to an explicit number. The number stays below m_1²/m_2 even with "
        "infinite data, where m_j is the mean of the j-th power of the eigenvalues of Σ. The "
        "learned direction is biased towards Σβ⋆. Where a few eigenvalues carry Σ, as with the "
        "eigenvalues 1/k, the limit is not reached at any dimension."
    ),
    source=THEOREM,
    parts={
        "alignment": Part(Kind.LIMIT, sp.Eq(rho2, _SGD)),
        "cap": Part(Kind.BOUND, sp.Le(rho2, E(s) ** 2 / E(s**2))),
    },
    assumptions=(*BASE, LINEAR_PART),
    example=EXAMPLE,
)

SI_03 = Claim(
    id="SI-03",
    title="Alignment after one damped KFAC step",
    says=(
        "Whitening with the damped covariance of the same batch gives an explicit squared cosine. "
        "It depends on the spectrum through one fixed point v and through means of the share "
        "P_s = sv/(1 + sv) over the spectrum. Large damping gives SGD. Without damping and with "
        "more samples than dimensions, only the label noise is left, amplified by 1/(1 − d/n). "
        "With fewer samples than dimensions, the pseudo-inverse gives a number that knows the "
        "spectrum through v alone."
    ),
    source=THEOREM + Source.derived("the pseudo-inverse"),
    parts={
        "alignment": Part(Kind.LIMIT, sp.Eq(rho2, ge.isotropic(ge.kfac_alignment(ge.ONE)))),
        "fixed_point": ge.FIXED_POINT,
        "large_damping": Part(Kind.LIMIT, sp.Eq(rho2, rho2_sgd)),
        "ridgeless": Part(Kind.LIMIT, sp.Eq(rho2, ge.isotropic(ge.ridgeless_alignment(ge.ONE)))),
        "pseudo_inverse": Part(
            Kind.LIMIT, sp.Eq(rho2, c1**2 / (phi * (c1**2 + phi * s2_link * v_fix)))
        ),
    },
    definitions={rho2_sgd: _SGD, **ge.MEANINGS},
    assumptions=(*BASE, LINEAR_PART, DAMPED, SAME_BATCH),
    example=EXAMPLE,
)


@in_float_range
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
    need_one_of("weight", weight, WEIGHTS)
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
    common = {"aspect": aspect, "c1": c1, "residual_var": residual_var}
    if method == "kfac":
        return _kfac(spectrum, energy, damping, weight, common)
    if method == "sgd":
        return _evaluated("sgd", weight, spectrum, energy, common)
    if method == "batch_norm":
        return batch_norm_alignment(spectrum, weight, **common, c0=_stat(stats, method, "c0"))
    if method == "polar":
        return 0.0
    rotated = bool(stats.get("rotated", False))
    activation = _activation(stats) if method == "sign" else None
    return sign_alignment(spectrum, rotated, common, activation)


def _kfac(
    spectrum: Spectrum,
    energy: Array | None,
    damping: float | None,
    weight: str,
    values: dict[str, float],
) -> float:
    if damping is None:
        raise ValueError("damping=None, needs a number >= 0 for method 'kfac'")
    need_nonnegative(damping=damping)
    aspect, residual_var = values["aspect"], values["residual_var"]
    if damping == 0 and aspect == 1 and residual_var > 0:
        return 0.0  # the noise is amplified without bound
    if damping == 0 and aspect <= 1:
        if residual_var == 0:
            return 1.0  # the teacher is recovered exactly
        return _evaluated("ridgeless", weight, spectrum, energy, values)
    v = float(resolvent(spectrum, aspect=aspect, damping=damping).v)
    known = {**values, "damping": damping, "resolvent_v": v}
    return _evaluated("kfac", weight, spectrum, energy, known)


def _evaluated(
    step: str, weight: str, spectrum: Spectrum, energy: Array | None, values: dict[str, float]
) -> float:
    """Evaluate the statement of SI-02, SI-03, SI-07 or SI-15 that is about this step."""
    if energy is not None:
        return teacher_alignment(step, weight, spectrum, energy, values)
    if weight == "covariance":
        part = SI_07["correlation" if step == "kfac" else step]
    elif step == "sgd":
        part = SI_02["alignment"]
    else:
        part = SI_03["alignment" if step == "kfac" else step]
    return float(part.number(spectrum, **values))


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
