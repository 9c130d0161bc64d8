"""SI-01: the gradient is rank one up to a remainder, small in operator norm only."""

from __future__ import annotations

import sympy as sp

from theory.core.claim import Claim
from theory.core.formula import E
from theory.core.guards import count
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.core.spectrum import Spectrum
from theory.single_index.assumptions import BASE, EXAMPLE, SLOPE, SPIKE_SEEN
from theory.single_index.domain import (
    need_finite,
    need_link,
    need_nonnegative,
    need_positive,
    need_spectrum,
)
from theory.single_index.gaussian_equivalent import LABEL_ENERGY
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import b1_act as b1
from theory.single_index.notation import c0_link as c0
from theory.single_index.notation import c1_link as c1
from theory.single_index.notation import c_act as cs
from theory.single_index.notation import rate_const, ratio_F2, ratio_op, v_act, width
from theory.single_index.notation import s_cov as s

_DIRECTION_NORM2 = c1**2 * E(s**2) + phi * E(s) * LABEL_ENERGY
_REMAINDER2 = phi * E(s) * LABEL_ENERGY * v_act + b1**2 * c0**2 * E(s**2)

SI_01 = Claim(
    id="SI-01",
    title="The gradient is rank one, in operator norm",
    says=(
        "The first gradient is the rank-one matrix −c_sfβᵀ plus a remainder. In operator norm the "
        "remainder is smaller by √(log N_h / N_h), up to a constant. In Frobenius norm it does "
        "not vanish: the ratio tends to an explicit number. The rate also holds after whitening."
    ),
    source=SPIKE_SEEN + Source.other_work("Ba et al. 2022") + Source.derived("both rates"),
    parts={
        "frobenius": Part(Kind.LIMIT, sp.Eq(ratio_F2, _REMAINDER2 / (cs**2 * _DIRECTION_NORM2))),
        "operator": Part(Kind.RATE, sp.Le(ratio_op, rate_const * sp.sqrt(sp.log(width) / width))),
    },
    assumptions=(*BASE, SLOPE),
    example=EXAMPLE,
)


def gradient_remainder_ratio(
    *,
    spectrum: Spectrum,
    aspect: float,
    c0: float,
    c1: float,
    residual_var: float,
    c_act: float,
    act_prime_var: float,
    act_second: float,
) -> float:
    """Return the limit of ``|Delta|_F / |c_act f beta'|_F`` for the SGD gradient.

    Raises: ValueError for a value outside its bound or c_act = 0 (no rank-one part).
    Source: derived.
    """
    need_spectrum(spectrum)
    need_finite(c_act=c_act)
    need_positive(aspect=aspect, abs_c_act=abs(c_act))
    need_link(c1, residual_var)
    need_finite(c0=c0, act_second=act_second)
    need_nonnegative(act_prime_var=act_prime_var)
    ratio2 = SI_01["frobenius"].number(
        spectrum,
        aspect=aspect,
        c0=c0,
        c1=c1,
        residual_var=residual_var,
        c_act=c_act,
        act_prime_var=act_prime_var,
        act_second=act_second,
    )
    return float(ratio2**0.5)


def operator_ratio_rate(width: int) -> float:
    """Return sqrt(log N / N), the rate of ``|Delta|_op / |c_act f beta'|_op`` (constant unknown).

    Raises: ValueError if width < 2.
    Source: Ba et al. 2022 for the rank-one structure; the rate derived.
    """
    count("width", width, low=2)
    return float(SI_01["operator"].number(width=width, rate_constant=1.0))
