"""SI-04 and SI-05: the best damping, and when KFAC without damping beats SGD."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import sympy as sp

from theory.core.claim import Claim
from theory.core.formula import E, Formula
from theory.core.part import Kind, Part
from theory.core.spectrum import Spectrum
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.assumptions import (
    BASE,
    DERIVED,
    EXAMPLE,
    LINEAR_PART,
    SAME_BATCH,
    UNDERPARAMETRISED,
)
from theory.single_index.domain import need_link, need_positive, need_spectrum
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import c1_link as c1
from theory.single_index.notation import (
    lam,
    lam_star,
    rho2,
    rho2_above,
    rho2_cov_star,
    rho2_sgd,
    rho2_star,
    s2_link,
    u_1,
    u_2,
    u_3,
)
from theory.single_index.notation import s_cov as s

# With t over the spectrum of Shat, u = 1/(t + lam) and u_j = E[t u^j], the alignment of a batch is
# rho^2 = u_1^2 / (u_1 + (lam* - lam) u_2), and d u_j / d lam = -j u_{j+1}.
BATCH_ALIGNMENT = u_1**2 / (u_1 + (lam_star - lam) * u_2)


def damping_derivative(expression: sp.Expr) -> sp.Expr:
    """d/d lam of an expression in lam, u_1 and u_2, by the chain rule."""
    along = {u_1: -u_2, u_2: -2 * u_3}
    total = sp.diff(expression, lam)
    return total + sum(sp.diff(expression, u) * slope for u, slope in along.items())


# Cauchy-Schwarz: u_1 u_3 - u_2^2 = E[t u] E[t u^3] - E[t u^2]^2 >= 0
_FACTORISED = (
    2 * u_1 * (lam_star - lam) * (u_1 * u_3 - u_2**2) / (u_1 + (lam_star - lam) * u_2) ** 2
)

SI_04 = Claim(
    id="SI-04",
    title="The best damping is the same for every spectrum",
    says=(
        "The alignment grows with the damping up to λ⋆ = (d/n)s_2/c_1² and falls after it, for "
        "every spectrum and every batch: its derivative is a positive number times λ⋆ − λ. The "
        "best squared cosine is E[P_s] at λ⋆. The squared correlation has the same best damping "
        "and the value E[sP_s]/E[s]. Every damping of at least λ⋆ beats SGD. The teacher must be "
        "isotropic."
    ),
    source=DERIVED,
    parts={
        "derivative": Part(
            Kind.IDENTITY, sp.Eq(damping_derivative(BATCH_ALIGNMENT), _FACTORISED, evaluate=False)
        ),
        "best_damping": Part(Kind.LIMIT, sp.Eq(lam_star, phi * s2_link / c1**2)),
        "best_alignment": Part(Kind.LIMIT, sp.Eq(rho2_star, E(ge.P))),
        "best_correlation": Part(Kind.LIMIT, sp.Eq(rho2_cov_star, E(s * ge.P) / E(s))),
        "fixed_point": ge.FIXED_POINT,
        "peak": Part(Kind.ORDERING, sp.Le(rho2, rho2_star)),
        "beats_sgd": Part(Kind.ORDERING, sp.Ge(rho2_above, rho2_sgd)),
    },
    definitions=ge.LETTERS,
    assumptions=(*BASE, LINEAR_PART, SAME_BATCH),
    example=EXAMPLE,
    beyond_paper=True,
)

_NOISE = phi * s2_link / c1**2
# positive where KFAC without damping beats SGD
_ADVANTAGE = (E(s**2) / E(s) ** 2 - 1 + phi + _NOISE / E(s)) - _NOISE * E(1 / s) / (1 - phi)

SI_05 = Claim(
    id="SI-05",
    title="When KFAC without damping beats SGD",
    says=(
        "With more samples than dimensions, KFAC without damping beats SGD exactly where an "
        "explicit number is positive. The number is the difference of the inverse squared "
        "cosines. It can be negative: with eigenvalues 0.1 and 1.9, d/n = 1/2 and noisy labels "
        "SGD reaches 0.37 and KFAC 0.20. With the best damping KFAC beats SGD there too."
    ),
    source=DERIVED,
    parts={
        "winner": Part(
            Kind.ORDERING, sp.Eq(sp.sign(rho2 - rho2_sgd), sp.sign(_ADVANTAGE), evaluate=False)
        ),
        "advantage": Part(Kind.LIMIT, sp.Eq(1 / rho2_sgd - 1 / rho2, _ADVANTAGE)),
        "damped": Part(Kind.ORDERING, sp.Ge(rho2_star, rho2_sgd)),
    },
    definitions={
        rho2_sgd: ge.isotropic(ge.sgd_alignment(ge.ONE)),
        rho2: ge.isotropic(ge.ridgeless_alignment(ge.ONE)),
    },
    assumptions=(*BASE, UNDERPARAMETRISED, LINEAR_PART, SAME_BATCH),
    example=EXAMPLE,
    beyond_paper=True,
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
    values = {"aspect": aspect, "c1": c1, "residual_var": residual_var}
    return float(SI_04["best_damping"].number(**values))


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
    advantage = float(SI_05["advantage"].number(spectrum, **values))
    return Comparison(
        kfac_wins=advantage > 0,
        advantage=advantage,
        kfac=Formula(SI_05.definitions[rho2])(spectrum, **values),
        sgd=Formula(SI_05.definitions[rho2_sgd])(spectrum, **values),
    )
