"""The Gaussian equivalent of the first-layer step, and the alignments that follow from it.

The regression direction beta = (Shat + lam)^-1 X'y / n behaves as
    c1 P(S) beta* + sqrt(phi tau2) S^(1/2) r(S) g / sqrt(d),   g ~ N(0, I),
with P = s v / (1 + s v), K = 1 - P, r = v / (1 + s v) and tau2 the test error of the ridge fit.
The formulas are written in these letters; the definitions of a claim say what they stand for.
SGD, beta = X'y / n, is its limit lam -> infinity after rescaling: P -> s, r -> 1, tau2 -> E y^2.
"""

from __future__ import annotations

import sympy as sp

from theory.core.formula import E, E_b
from theory.core.part import Kind, Part
from theory.single_index.notation import K_s as K
from theory.single_index.notation import P_s as P
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import c1_link as c1
from theory.single_index.notation import lam, s2_link, v_fix
from theory.single_index.notation import noise_gain as r
from theory.single_index.notation import s_cov as s
from theory.single_index.notation import tau2 as tau2_letter

LETTERS = {
    P: s * v_fix / (1 + s * v_fix),
    K: 1 / (1 + s * v_fix),
    r: v_fix / (1 + s * v_fix),
}

# 1 - phi E[P^2], written as a sum of positive terms
STABILITY = lam * v_fix + phi * E(P * K)
# increasing and concave in v, from 0 to infinity: it takes the value 1 exactly once
COMPANION = lam * v_fix + phi * E(s * v_fix / (1 + s * v_fix))
FIXED_POINT = Part(Kind.LIMIT, sp.Eq(COMPANION, 1, evaluate=False))

ONE = sp.Integer(1)
LABEL_ENERGY = c1**2 * E(s) + s2_link


def tau2(*, energy: sp.Expr = c1**2, residual: sp.Expr = s2_link) -> sp.Expr:
    """Effective noise: test error of the ridge fit of y on x."""
    return (residual + energy * E_b(s * K**2)) / STABILITY


def in_full(expression: sp.Expr) -> sp.Expr:
    """The same statement without the letters P, K and r."""
    return expression.xreplace(LETTERS)


def kfac_alignment(
    T: sp.Expr, *, noise_level: sp.Expr = tau2_letter, energy: sp.Expr = c1**2
) -> sp.Expr:
    """rho_T^2 of the whitened step for a teacher with energies b_k^2 and any weight T(s).

    noise_level: tau2 or a letter for it.
    """
    noise = phi * noise_level * E(T * s * r**2)
    return c1**2 * E_b(T * P) ** 2 / (E_b(T) * (energy * E_b(T * P**2) + noise))


def ridgeless_alignment(
    T: sp.Expr, *, energy: sp.Expr = c1**2, residual: sp.Expr = s2_link
) -> sp.Expr:
    """The limit lam -> 0 for phi < 1: P = 1, K = 0, r = 1/s."""
    noise = phi * residual / (1 - phi) * E(T / s)
    return c1**2 * E_b(T) / (energy * E_b(T) + noise)


def sgd_alignment(T: sp.Expr, *, energy: sp.Expr = c1**2, residual: sp.Expr = s2_link) -> sp.Expr:
    """rho_T^2 of the plain gradient step."""
    noise = phi * (energy * E_b(s) + residual) * E(T * s)
    return c1**2 * E_b(T * s) ** 2 / (E_b(T) * (energy * E_b(T * s**2) + noise))


def isotropic(expression: sp.Expr) -> sp.Expr:
    """The same statement for beta* ~ N(0, I/d): the teacher's energy follows the spectrum."""
    return expression.replace(E_b, E).subs(E(1), 1)


# what tau2, P, K and r stand for in a claim, for an isotropic and for a given teacher
MEANINGS = {tau2_letter: isotropic(tau2()), **LETTERS}
MEANINGS_TEACHER = {tau2_letter: tau2(), **LETTERS}
