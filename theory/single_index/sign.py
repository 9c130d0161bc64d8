"""SI-11: the first step of Adam, which is the sign of the gradient.

The mean over coordinates k is E(.) with S_kk = s where S is diagonal. Where S is rotated at random,
S_kk = m1 and (S^2)_kk = m2 for every coordinate and no mean is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from theory.core.claim import Claim
from theory.core.formula import E
from theory.core.part import Kind, Part
from theory.core.spectrum import Spectrum
from theory.single_index.assumptions import BASE, DERIVED, EXAMPLE, LINEAR_PART, SLOPE
from theory.single_index.gaussian_equivalent import LABEL_ENERGY, ONE, isotropic, sgd_alignment
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import b1_act as b1
from theory.single_index.notation import (
    beta_var,
    beta_var_mean,
    dither_var,
    dither_var_mean,
    rho2,
    rho2_sgd,
    v_act,
)
from theory.single_index.notation import c0_link as c0
from theory.single_index.notation import c1_link as c1
from theory.single_index.notation import c_act as cs
from theory.single_index.notation import s_cov as s


@dataclass(frozen=True)
class Coordinate:
    """One coordinate of the gradient, from S_kk and (S^2)_kk: the building blocks of SI-11."""

    S_kk: sp.Expr
    S2_kk: sp.Expr

    @property
    def gradient_var(self) -> sp.Expr:
        """d times the variance of beta_k."""
        return c1**2 * self.S2_kk + phi * self.S_kk * LABEL_ENERGY

    @property
    def dither_var(self) -> sp.Expr:
        """d times the variance, over neurons, of the part of the gradient beyond rank one."""
        return phi * self.S_kk * LABEL_ENERGY * v_act + b1**2 * c0**2 * self.S2_kk

    @property
    def meaning(self) -> dict[sp.Basic, sp.Expr]:
        """What the letters of ``SHARE`` and ``signal`` stand for."""
        return {beta_var: self.gradient_var, dither_var: self.dither_var}

    @property
    def signal(self) -> sp.Expr:
        """Overlap with the teacher, up to the factor that cancels against arcsin(kappa_k)."""
        return c1 * self.S_kk * cs / sp.sqrt(dither_var + cs**2 * beta_var)


# kappa_k: the share of the rank-one part in the variance of a gradient entry; its arcsin is the
# energy of the rank-one part of the sign matrix, times pi/2
SHARE = cs**2 * beta_var / (dither_var + cs**2 * beta_var)
DIAGONAL = Coordinate(s, s**2)
ROTATED = Coordinate(E(s), E(s**2))

_MEAN_LETTERS = {beta_var: beta_var_mean, dither_var: dither_var_mean}
_ROTATED = (ROTATED.signal**2 / sp.asin(SHARE)).xreplace(_MEAN_LETTERS)

SI_11 = Claim(
    id="SI-11",
    title="Adam's first step does not fix the bias",
    says=(
        "The first step of Adam is the sign of the gradient. Its direction is the top right "
        "singular vector of the matrix of signs. Where the eigenvectors of Σ are in general "
        "position, its alignment lies between 2/π and 1 times that of SGD. Where Σ is diagonal, "
        "the sign rescales coordinates and can beat SGD. The sign of β alone aligns less."
    ),
    source=DERIVED,
    parts={
        "diagonal": Part(Kind.LIMIT, sp.Eq(rho2, E(DIAGONAL.signal) ** 2 / E(sp.asin(SHARE)))),
        "rotated": Part(Kind.LIMIT, sp.Eq(rho2, _ROTATED)),
        "at_most_sgd": Part(Kind.ORDERING, sp.Le(rho2, rho2_sgd)),
        "at_least_share": Part(Kind.ORDERING, sp.Ge(rho2, 2 / sp.pi * rho2_sgd)),
        "beta_diagonal": Part(
            Kind.LIMIT, sp.Eq(rho2, 2 / sp.pi * E(c1 * s / sp.sqrt(beta_var)) ** 2)
        ),
        "beta_rotated": Part(Kind.LIMIT, sp.Eq(rho2, 2 / sp.pi * (c1 * E(s)) ** 2 / beta_var_mean)),
    },
    definitions={
        rho2_sgd: isotropic(sgd_alignment(ONE)),
        **DIAGONAL.meaning,
        **{_MEAN_LETTERS[letter]: value for letter, value in ROTATED.meaning.items()},
    },
    assumptions=(*BASE, SLOPE, LINEAR_PART),
    example=EXAMPLE,
    beyond_paper=True,
)


def sign_alignment(
    spectrum: Spectrum,
    rotated: bool,
    values: dict[str, float],
    activation: dict[str, float] | None,
) -> float:
    """Return rho^2 of the sign matrix, or of the sign of beta where ``activation`` is None.

    values: aspect, c1, residual_var. activation: c0, c_act, act_prime_var, act_second.
    """
    kind = "rotated" if rotated else "diagonal"
    if activation is None:
        return float(SI_11[f"beta_{kind}"].number(spectrum, **values))
    return float(SI_11[kind].number(spectrum, **values, **activation))
