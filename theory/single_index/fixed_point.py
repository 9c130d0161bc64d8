"""SI-08: the fixed point in symbols, its closed forms, and two iterations that try to reach it."""

from __future__ import annotations

import sympy as sp

from theory.core.formula import E, Formula
from theory.core.spectrum import Spectrum
from theory.single_index.domain import need_positive, need_spectrum
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import lam, m_fix, p_A, s_A, s_B, v_fix, w_fix
from theory.single_index.notation import s_cov as s

# increasing and concave in v, from -1 to infinity: exactly one positive root
COMPANION = Formula(lam * v_fix + phi * E(s * v_fix / (1 + s * v_fix)) - 1)
NATURAL_STEP = Formula(E(1 / (s * (1 - phi + phi * lam * m_fix) + lam)))
COMPANION_STEP = Formula(1 / (lam + phi * E(s / (1 + s * v_fix))))

_P = s * v_fix / (1 + s * v_fix)
# logarithmic slopes of the two steps at the root
NATURAL_RATE = Formula(phi * E(_P * (1 - _P)) / (1 - phi * E(_P)))
COMPANION_RATE = Formula(phi * E(_P**2))
# the natural iteration is repelled from the root where this exceeds 1 (needs phi > 1)
NATURAL_DIVERGENCE = Formula(phi * E(_P * (2 - _P)))

_OFFSET = 1 - phi + lam
ISOTROPIC_M = 2 / (_OFFSET + sp.sqrt(_OFFSET**2 + 4 * phi * lam))

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


def natural_iteration(
    spectrum: Spectrum, *, aspect: float, damping: float, start: float, steps: int
) -> list[float]:
    """Return m_0 = start, m_1, ... under m <- E[1 / (s (1 - phi + phi lam m) + lam)].

    It contracts where aspect <= 1 and is repelled where aspect E[P (2 - P)] > 1; it may leave the
    domain (a non-positive value ends the list).
    Raises: ValueError for a value outside its bound.
    """
    return _iterate(NATURAL_STEP, "resolvent_m", spectrum, aspect, damping, start, steps)


def companion_iteration(
    spectrum: Spectrum, *, aspect: float, damping: float, start: float, steps: int
) -> list[float]:
    """Return v_0 = start, v_1, ... under v <- 1 / (lam + phi E[s / (1 + s v)]).

    It converges from every positive start, at the rate aspect E[P^2] < 1 per step.
    Raises: ValueError for a value outside its bound.
    """
    return _iterate(COMPANION_STEP, "resolvent_v", spectrum, aspect, damping, start, steps)


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
