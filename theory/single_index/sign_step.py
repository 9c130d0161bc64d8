"""SI-11: the first step of Adam, which is the sign of the gradient.

The mean over coordinates k is E(.) with S_kk = s where S is diagonal. Where S is rotated at random,
S_kk = m1 and (S^2)_kk = m2 for every coordinate and no mean is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from theory.core.formula import E, Formula
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import b1_act as b1
from theory.single_index.notation import beta_var, dither_var, s2_link, v_act
from theory.single_index.notation import c0_link as c0
from theory.single_index.notation import c1_link as c1
from theory.single_index.notation import c_act as cs
from theory.single_index.notation import s_cov as s

LABEL_ENERGY = c1**2 * E(s) + s2_link


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

# top right singular vector of the sign matrix, by `rotated`
SIGN_IN_LETTERS = {
    False: E(DIAGONAL.signal) ** 2 / E(sp.asin(SHARE)),
    True: ROTATED.signal**2 / sp.asin(SHARE),
}
SIGN = {
    False: Formula(SIGN_IN_LETTERS[False].xreplace(DIAGONAL.meaning)),
    True: Formula(SIGN_IN_LETTERS[True].xreplace(ROTATED.meaning)),
}
# the sign of beta itself
SIGN_BETA = {
    False: Formula(2 / sp.pi * E(c1 * s / sp.sqrt(DIAGONAL.gradient_var)) ** 2),
    True: Formula(2 / sp.pi * (c1 * E(s)) ** 2 / ROTATED.gradient_var),
}
SHARE_ROTATED = Formula(SHARE.xreplace(ROTATED.meaning))
