"""SI-08: the fixed point in symbols, its closed forms, and two iterations that try to reach it."""

from __future__ import annotations

import sympy as sp

from theory.core.claim import Claim
from theory.core.formula import E, Formula
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.core.spectrum import Spectrum
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.assumptions import ASPECT, DAMPED, EXAMPLE
from theory.single_index.domain import need_positive, need_spectrum
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import (
    lam,
    m_fix,
    m_slope,
    p_A,
    rate_m,
    rate_v,
    s_A,
    s_B,
    v_fix,
    w_fix,
)
from theory.single_index.notation import s_cov as s

NATURAL_STEP = E(1 / (s * (1 - phi + phi * lam * m_fix) + lam))
COMPANION_STEP = 1 / (lam + phi * E(s / (1 + s * v_fix)))
_OFFSET = 1 - phi + lam

# the fixed point for two atoms, and the cubic it becomes; its root in (0, 1] is w
TWO_ATOM_EQUATION = (
    w_fix
    + phi * p_A * s_A * w_fix / (lam + s_A * w_fix)
    + phi * (1 - p_A) * s_B * w_fix / (lam + s_B * w_fix)
    - 1
)
TWO_ATOM_CUBIC = (
    s_A * s_B * w_fix**3
    + (lam * (s_A + s_B) - (1 - phi) * s_A * s_B) * w_fix**2
    + lam * (lam + phi * p_A * s_A + phi * (1 - p_A) * s_B - s_A - s_B) * w_fix
    - lam**2
)
# in terms of w = lam v: E[s/(lam + s w)^2] and E[1/(lam + s w)^2], times lam^2
_FIRST, _SECOND = E(s / (1 + s * v_fix) ** 2), E(1 / (1 + s * v_fix) ** 2)

SI_08 = Claim(
    id="SI-08",
    title="The fixed point of the resolvent",
    says=(
        "The companion equation has exactly one positive root v. The iteration v ← 1/(λ + φE[s/(1 "
        "+ sv)]) reaches it from every start, at the rate φE[P_s²] < 1. The iteration m ← E[1/(s(1 "
        "− φ + φλm) + λ)] has the rate q_m at its root and is repelled where q_m > 1, which is "
        "where φE[P_s(2 − P_s)] > 1. This happens only for d > n. Two atoms give a cubic, one atom "
        "a closed form. The normalised traces of (Σ̂ + λI)⁻¹ and of its square tend to m and to m′."
    ),
    source=Source.other_work("Silverstein 1995") + Source.derived("rates of both iterations"),
    parts={
        "two_atoms": Part(
            Kind.IDENTITY,
            sp.Eq(TWO_ATOM_EQUATION * (lam + s_A * w_fix) * (lam + s_B * w_fix), TWO_ATOM_CUBIC),
        ),
        "one_atom": Part(
            Kind.IDENTITY, sp.Eq(m_fix, 2 / (_OFFSET + sp.sqrt(_OFFSET**2 + 4 * phi * lam)))
        ),
        "companion": Part(Kind.LIMIT, sp.Eq(ge.COMPANION, 1, evaluate=False)),
        "companion_rate": Part(Kind.RATE, sp.Eq(rate_v, phi * E(ge.P**2))),
        "contraction": Part(Kind.BOUND, sp.Lt(rate_v, 1)),
        "natural_rate": Part(Kind.RATE, sp.Eq(rate_m, phi * E(ge.P * ge.K) / (1 - phi * E(ge.P)))),
        "repelled": Part(
            Kind.ORDERING,
            sp.Eq(sp.sign(rate_m - 1), sp.sign(phi * E(ge.P * (2 - ge.P)) - 1), evaluate=False),
        ),
        "trace": Part(Kind.LIMIT, sp.Eq(m_fix, E(1 / (1 + s * v_fix)) / lam)),
        "trace_square": Part(
            Kind.LIMIT,
            sp.Eq(
                m_slope,
                (_SECOND + phi * v_fix * _FIRST**2 / (lam + phi * _FIRST)) / lam**2,
            ),
        ),
    },
    definitions=ge.LETTERS,
    assumptions=(ASPECT, DAMPED),
    example=EXAMPLE,
)


def natural_iteration(
    spectrum: Spectrum, *, aspect: float, damping: float, start: float, steps: int
) -> list[float]:
    """Return m_0 = start, m_1, ... under m <- E[1 / (s (1 - phi + phi lam m) + lam)].

    It contracts where aspect <= 1 and is repelled where aspect E[P (2 - P)] > 1; it may leave the
    domain (a non-positive value ends the list).
    Raises: ValueError for a value outside its bound.
    """
    return _iterate(Formula(NATURAL_STEP), "resolvent_m", spectrum, aspect, damping, start, steps)


def companion_iteration(
    spectrum: Spectrum, *, aspect: float, damping: float, start: float, steps: int
) -> list[float]:
    """Return v_0 = start, v_1, ... under v <- 1 / (lam + phi E[s / (1 + s v)]).

    It converges from every positive start, at the rate aspect E[P^2] < 1 per step (SI-08).
    Raises: ValueError for a value outside its bound.
    """
    return _iterate(Formula(COMPANION_STEP), "resolvent_v", spectrum, aspect, damping, start, steps)


def _iterate(
    step: Formula,
    name: str,
    spectrum: Spectrum,
    aspect: float,
    damping: float,
    start: float,
    steps: int,
) -> list[float]:
    need_spectrum(spectrum)
    need_positive(aspect=aspect, damping=damping, start=start)
    if steps < 0:
        raise ValueError(f"steps={steps!r}, needs >= 0")
    path = [start]
    while len(path) <= steps and path[-1] > 0:
        path.append(step(spectrum, aspect=aspect, damping=damping, **{name: path[-1]}))
    return path
