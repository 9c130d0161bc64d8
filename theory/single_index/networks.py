"""SI-13, SI-16: batch normalisation, and a network without the factor 1/sqrt(N)."""

from __future__ import annotations

import sympy as sp

from theory.core.claim import Claim
from theory.core.formula import E, Formula
from theory.core.guards import in_float_range
from theory.core.part import Kind, Part
from theory.core.resolvent import resolvent
from theory.core.source import Source
from theory.core.spectrum import Spectrum
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.assumptions import (
    ASPECT,
    BASE,
    DAMPED,
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    ISOTROPIC_TEACHER,
    LINEAR_PART,
    NO_LEADER,
    SAME_BATCH,
    UNNORMALISED,
)
from theory.single_index.domain import (
    need_finite,
    need_link,
    need_nonnegative,
    need_one_of,
    need_positive,
    need_spectrum,
)
from theory.single_index.notation import (
    act_mean,
    c0_link,
    c1_link,
    c_act,
    c_perp2,
    rho2,
    rho2_scaled,
    s2_link,
)
from theory.single_index.notation import s_cov as s

_CENTRED = s2_link - c0_link**2

SI_13 = Claim(
    id="SI-13",
    title="Batch normalisation does not whiten",
    says=(
        "SGD through batch-normalised pre-activations aligns like SGD on centred labels. The mean "
        "of the labels is removed. The direction is still biased towards Σβ⋆, with the cap "
        "m_1²/m_2 of SI-02."
    ),
    source=Source.attributed("Zhang et al. 2025, arXiv 2502.01763: batch-norm helps little")
    + Source.derived("every formula"),
    parts={
        "alignment": Part(
            Kind.LIMIT, sp.Eq(rho2, ge.isotropic(ge.sgd_alignment(ge.ONE, residual=_CENTRED)))
        ),
        "cap": Part(Kind.BOUND, sp.Le(rho2, E(s) ** 2 / E(s**2))),
    },
    assumptions=(*BASE, LINEAR_PART),
    example=EXAMPLE,
)

# The network's own output f0 is part of the residual y - f0: it is a random, unlearned teacher.
_OUTPUT = {"energy": c1_link**2 + c_act**2, "residual": s2_link + c_perp2 + act_mean**2}
_NOISE = ge.isotropic(ge.tau2(**_OUTPUT))

SI_16 = Claim(
    id="SI-16",
    title="A network without the factor 1/√N",
    says=(
        "Without the factor 1/√N the output of the untrained network is part of the residual. It "
        "adds to the energy in the denominator and to the noise. The alignment is lower: 0.31 "
        "instead of 0.61 for tanh on tanh labels with eigenvalues 1/2 and 3/2 and d/n = 0.3. The "
        "scaling of the network has to be known before any number is compared."
    ),
    source=DERIVED,
    parts={
        "sgd": Part(Kind.LIMIT, sp.Eq(rho2, ge.isotropic(ge.sgd_alignment(ge.ONE, **_OUTPUT)))),
        "kfac": Part(
            Kind.LIMIT,
            sp.Eq(rho2, ge.isotropic(ge.kfac_alignment(ge.ONE, energy=_OUTPUT["energy"]))),
        ),
        "fixed_point": ge.FIXED_POINT,
        "ridgeless": Part(
            Kind.LIMIT, sp.Eq(rho2, ge.isotropic(ge.ridgeless_alignment(ge.ONE, **_OUTPUT)))
        ),
        "lower": Part(Kind.ORDERING, sp.Le(rho2, rho2_scaled)),
    },
    definitions={**ge.MEANINGS, next(iter(ge.MEANINGS)): _NOISE},
    assumptions=(
        GAUSSIAN,
        ISOTROPIC_TEACHER,
        UNNORMALISED,
        ASPECT,
        NO_LEADER,
        LINEAR_PART,
        DAMPED,
        SAME_BATCH,
    ),
    example={**EXAMPLE, "network_scaling": "plain"},
    beyond_paper=True,
)

_CENTRED_CORRELATION = Formula(ge.isotropic(ge.sgd_alignment(s, residual=_CENTRED)))


def batch_norm_alignment(
    spectrum: Spectrum, weight: str, *, aspect: float, c1: float, residual_var: float, c0: float
) -> float:
    """Return rho^2 (or rho_S^2 with weight "covariance") behind a batch normalisation.

    Raises: ValueError if residual_var < c0^2.
    Source: SI-13; derived for the weight "covariance".
    """
    need_finite(c0=c0)
    if residual_var < c0 * c0 * (1 - 1e-12):
        raise ValueError(f"residual_var={residual_var!r}, needs >= c0^2 = {c0 * c0!r}")
    values = {"aspect": aspect, "c1": c1, "c0": c0, "residual_var": max(residual_var, c0 * c0)}
    if weight == "covariance":
        return _CENTRED_CORRELATION(spectrum, **values)
    return float(SI_13["alignment"].number(spectrum, **values))


@in_float_range
def unnormalised_alignment(
    method: str,
    *,
    spectrum: Spectrum,
    aspect: float,
    c1: float,
    residual_var: float,
    c_act: float,
    c_perp2: float,
    act_mean: float,
    damping: float | None = None,
) -> float:
    """Return rho^2 for the network f'act(Gx) without the factor 1/sqrt(N) (SI-16).

    method: "sgd" or "kfac" (damping needed; 0.0 for aspect < 1 is the ridgeless limit).
    c_act, c_perp2, act_mean: as in theory.core.gauss.hermite.activation_statistics.
    Raises: ValueError for a value outside its bound.
    Source: derived; the residual of the initial network adds to signal energy and noise.
    """
    need_one_of("method", method, ("sgd", "kfac"))
    need_spectrum(spectrum)
    need_positive(aspect=aspect)
    need_link(c1, residual_var)
    need_nonnegative(c_perp2=c_perp2)
    need_finite(c_act=c_act, act_mean=act_mean)
    values = {
        "aspect": aspect,
        "c1": c1,
        "residual_var": residual_var,
        "c_act": c_act,
        "c_perp2": c_perp2,
        "act_mean": act_mean,
    }
    if method == "sgd":
        if damping is not None:
            raise ValueError(f"damping={damping!r}, needs None for method 'sgd'")
        return float(SI_16["sgd"].number(spectrum, **values))
    if damping is None:
        raise ValueError("damping=None, needs a number >= 0 for method 'kfac'")
    need_nonnegative(damping=damping)
    if damping == 0 and aspect < 1:
        return float(SI_16["ridgeless"].number(spectrum, **values))
    v = float(resolvent(spectrum, aspect=aspect, damping=damping).v)
    return float(SI_16["kfac"].number(spectrum, damping=damping, resolvent_v=v, **values))
