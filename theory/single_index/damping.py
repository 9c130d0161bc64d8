"""SI-04 and SI-05: the best damping, and when KFAC without damping beats SGD."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import sympy as sp

from theory.core.formula import E, Formula
from theory.core.spectrum import Spectrum
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.domain import need_link, need_positive, need_spectrum
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import c1_link as c1
from theory.single_index.notation import lam, s2_link, u_1, u_2, u_3
from theory.single_index.notation import s_cov as s

OPTIMAL_DAMPING = Formula(phi * s2_link / c1**2)

# With t over the spectrum of Shat, u = 1/(t + lam) and u_j = E[t u^j], the alignment of a batch is
# rho^2 = u_1^2 / (u_1 + (lam* - lam) u_2), and d u_j / d lam = -j u_{j+1}.
BATCH_ALIGNMENT = u_1**2 / (u_1 + (OPTIMAL_DAMPING.expression - lam) * u_2)


def damping_derivative(expression: sp.Expr) -> sp.Expr:
    """d/d lam of an expression in lam, u_1 and u_2, by the chain rule."""
    along = {u_1: -u_2, u_2: -2 * u_3}
    total = sp.diff(expression, lam)
    return total + sum(sp.diff(expression, u) * slope for u, slope in along.items())


DERIVATIVE = damping_derivative(BATCH_ALIGNMENT)
# Cauchy-Schwarz: u_1 u_3 - u_2^2 = E[t u] E[t u^3] - E[t u^2]^2 >= 0
FACTORISED_DERIVATIVE = (
    2
    * u_1
    * (OPTIMAL_DAMPING.expression - lam)
    * (u_1 * u_3 - u_2**2)
    / (u_1 + (OPTIMAL_DAMPING.expression - lam) * u_2) ** 2
)

# the values at lam = lam*
BEST_IN_LETTERS = {"identity": E(ge.P), "covariance": E(s * ge.P) / E(s)}
BEST_ALIGNMENT = {name: Formula(ge.in_full(best)) for name, best in BEST_IN_LETTERS.items()}

# KFAC(0) beats SGD where this is positive (phi < 1)
ADVANTAGE = Formula(
    (E(s**2) / E(s) ** 2 - 1 + phi + OPTIMAL_DAMPING.expression / E(s))
    - OPTIMAL_DAMPING.expression * E(1 / s) / (1 - phi)
)

# SGD 0.372 against KFAC(0) 0.202: two atoms 0.1 and 1.9, link He1 + He2/2, noise 0.5
COUNTER_EXAMPLE = MappingProxyType(
    {"spectrum": Spectrum.two_atom(0.9), "aspect": 0.5, "c1": 1.0, "residual_var": 0.75}
)


@dataclass(frozen=True)
class Comparison:
    """KFAC without damping against SGD: ``kfac_wins`` iff ``advantage`` > 0."""

    kfac_wins: bool
    advantage: float
    kfac: float
    sgd: float


def optimal_damping(*, aspect: float, c1: float, residual_var: float) -> float:
    """Return lam* = aspect residual_var / c1^2, the damping of largest rho^2, in [x]^2.

    It is the same for every spectrum, and for the covariance-weighted alignment. Every damping of
    at least lam* beats SGD. Holds for an isotropic teacher.
    Raises: ValueError for a value outside its bound, or c1 = 0 (nothing linear to align with).
    Source: derived.
    """
    need_positive(aspect=aspect)
    need_link(c1, residual_var)
    if c1 == 0:
        raise ValueError("c1=0.0, needs != 0: every damping gives alignment 0")
    return OPTIMAL_DAMPING(aspect=aspect, c1=c1, residual_var=residual_var)


def kfac_beats_sgd(
    *, spectrum: Spectrum, aspect: float, c1: float, residual_var: float
) -> Comparison:
    """Compare KFAC without damping with SGD (aspect < 1); the answer is not always KFAC.

    Raises: ValueError for a value outside its bound, aspect >= 1 or c1 = 0.
    Source: derived.
    """
    need_spectrum(spectrum)
    need_positive(aspect=aspect)
    need_link(c1, residual_var)
    if aspect >= 1:
        raise ValueError(f"aspect={aspect!r}, needs < 1")
    if c1 == 0:
        raise ValueError("c1=0.0, needs != 0: both alignments are 0")
    values = {"aspect": aspect, "c1": c1, "residual_var": residual_var}
    advantage = ADVANTAGE(spectrum, **values)
    return Comparison(
        kfac_wins=advantage > 0,
        advantage=advantage,
        kfac=ge.KFAC_RIDGELESS["identity"](spectrum, **values),
        sgd=ge.SGD["identity"](spectrum, **values),
    )
