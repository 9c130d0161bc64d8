"""SI-24: the left factor of KFAC on the first layer."""

from __future__ import annotations

import math

import sympy as sp

from theory.core.claim import Claim
from theory.core.guards import in_float_range
from theory.core.part import Kind, Part
from theory.core.spectrum import Spectrum
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.alignment import WEIGHTS
from theory.single_index.assumptions import (
    BASE,
    DAMPED,
    DERIVED,
    EXAMPLE,
    LINEAR_PART,
    SAME_BATCH,
    SLOPE,
)
from theory.single_index.direction import direction
from theory.single_index.domain import need_finite, need_one_of, need_positive, need_spectrum
from theory.single_index.notation import (
    beta_norm,
    c_act,
    left2,
    left2_drowned,
    left_strength,
    mu_library,
    ratio_left,
    ratio_plain,
    residual_power,
    rho2,
    width,
)
from theory.single_index.notation import mu_left as mu

_TOP = mu + c_act**2 * residual_power

SI_24 = Claim(
    id="SI-24",
    title="The left factor changes the strength of the step, not its direction",
    says=(
        "The factor N_h E[δδᵀ] of the back-propagated signals has one large eigenvalue c_s² E r² "
        "along the second layer f, and a bulk of order 1/N_h. Its damped inverse divides the spike "
        "of the gradient by μ_h + c_s² E r² and the remainder by μ_h. So the spike keeps both of "
        "its directions while μ_h is well above c_s² E r²/√N_h, and the remainder grows relative "
        "to it. Far below, the spike is lost in the remainder, as in the polar factor. The signals "
        "carry a factor 1/√N_h: a damping added to E[δδᵀ] counts N_h times."
    ),
    source=DERIVED,
    parts={
        "strength": Part(Kind.LIMIT, sp.Eq(left_strength, sp.Abs(c_act) * beta_norm / _TOP)),
        "visibility": Part(Kind.LIMIT, sp.Eq(ratio_left, ratio_plain * _TOP / mu)),
        "right": Part(Kind.LIMIT, sp.Eq(rho2, ge.isotropic(ge.kfac_alignment(ge.ONE)))),
        "fixed_point": ge.FIXED_POINT,
        "left": Part(Kind.LIMIT, sp.Eq(left2, 1)),
        "drowned": Part(Kind.ORDERING, sp.Ge(left2, left2_drowned)),
        "units": Part(Kind.IDENTITY, sp.Eq(mu, width * mu_library)),
    },
    definitions=ge.MEANINGS,
    assumptions=(*BASE, LINEAR_PART, SLOPE, DAMPED, SAME_BATCH),
    example=EXAMPLE,
    beyond_paper=True,
)


@in_float_range
def left_factor_strength(
    *,
    spectrum: Spectrum,
    aspect: float,
    c1: float,
    residual_var: float,
    c_act: float,
    left_damping: float,
    residual_power: float = 1.0,
    damping: float | None = None,
    weight: str = "identity",
) -> float:
    """Return the strength of the rank-one step that the left factor leaves, per unit step size.

    c_act |beta|_T / (left_damping + c_act^2 residual_power), with |beta|_T^2 = beta' T beta.
    damping: of the right factor, from the same batch; None for none (SGD on the right).
    left_damping: added to N E[delta delta']; a damping of E[delta delta'] itself counts N times.
    residual_power: E r^2 of the residuals in the left factor: 1 for labels drawn from the model
    with variance 1, E y^2 for the empirical Fisher. weight: "identity" or "covariance".
    Units:  residual_power in [y]^2 per variance of the loss, left_damping likewise.
    Raises: ValueError for a value outside its bound, c_act = 0.
    Source: SI-24, derived.
    """
    need_one_of("weight", weight, WEIGHTS)
    need_spectrum(spectrum)
    need_finite(c_act=c_act)
    if c_act == 0:
        raise ValueError("c_act=0.0, needs != 0: the gradient has no rank-one part")
    need_positive(left_damping=left_damping, residual_power=residual_power)
    step = direction(
        "sgd" if damping is None else "kfac",
        spectrum=spectrum,
        aspect=aspect,
        c1=c1,
        residual_var=residual_var,
        damping=damping,
    )
    return float(
        SI_24["strength"].number(
            c_act=c_act,
            direction_norm=math.sqrt(step.energy(weight)),
            left_factor_damping=left_damping,
            residual_power=residual_power,
        )
    )
