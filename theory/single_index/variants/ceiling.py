"""SI-18: no rule that is linear in the labels beats KFAC on their batch at its best damping."""

from __future__ import annotations

import sympy as sp

from theory.core.claim import Claim
from theory.core.formula import E
from theory.core.part import Kind, Part
from theory.core.resolvent import resolvent
from theory.core.spectrum import Spectrum
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.assumptions import BASE, DERIVED, EXAMPLE, LINEAR_PART, SAME_BATCH
from theory.single_index.damping import optimal_damping
from theory.single_index.domain import need_link, need_one_of, need_positive, need_spectrum
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import c1_link as c1
from theory.single_index.notation import p_A, rho2_cov, rho2_exact, rho2_star, s_A, s_B, v_fix
from theory.single_index.notation import s_cov as s
from theory.single_index.variants.factor_notation import K_best, f_A, f_B, rho2_other, risk_ridge
from theory.single_index.variants.mixture import WEIGHTS

_BEST_EXACT = E(s / (s + K_best))

# Two eigenvalues, any filter f: E[s/(s+K)] E[s(s+K)f^2] - E[sf]^2 is a square (Lagrange).
_ENERGY = p_A * s_A * (s_A + K_best) * f_A**2 + (1 - p_A) * s_B * (s_B + K_best) * f_B**2
_PEAK = p_A * s_A / (s_A + K_best) + (1 - p_A) * s_B / (s_B + K_best)
_OVERLAP = p_A * s_A * f_A + (1 - p_A) * s_B * f_B
_SQUARE = ((s_A + K_best) * f_A - (s_B + K_best) * f_B) ** 2
_DEFICIT = p_A * (1 - p_A) * s_A * s_B * _SQUARE / ((s_A + K_best) * (s_B + K_best))

SI_18 = Claim(
    id="SI-18",
    title="The ceiling of all rules that are linear in the labels",
    says=(
        "A rule that is linear in the labels of one batch may use its inputs and any further "
        "unlabelled inputs in any way: mixed and averaged factors, any exponent, several passes. "
        "Its alignment stays at or below that of KFAC on the same batch at the best damping, for "
        "every weight. The best value has the form E[s/(s + α)]: for the same batch α is d/n "
        "times the test error over c_1², for the exact covariance d/n times E y² over c_1². For "
        "two eigenvalues the deficit of any filter of the exact covariance is a square."
    ),
    source=DERIVED,
    parts={
        "ceiling": Part(Kind.ORDERING, sp.Le(rho2_other, E(ge.P))),
        "correlation_ceiling": Part(Kind.ORDERING, sp.Le(rho2_cov, E(s * ge.P) / E(s))),
        "deficit": Part(Kind.IDENTITY, sp.Eq(_PEAK * _ENERGY - _OVERLAP**2, _DEFICIT)),
        "same_batch": Part(Kind.LIMIT, sp.Eq(rho2_star, E(ge.P))),
        "test_error": Part(Kind.LIMIT, sp.Eq(risk_ridge, c1**2 / (phi * v_fix))),
        "exact": Part(Kind.LIMIT, sp.Eq(rho2_exact, _BEST_EXACT)),
        "exact_peak": Part(Kind.ORDERING, sp.Le(rho2_other, _BEST_EXACT)),
        "exact_damping": Part(
            Kind.LIMIT, sp.Eq(K_best, phi * ge.LABEL_ENERGY / c1**2, evaluate=False)
        ),
    },
    definitions=ge.LETTERS,
    assumptions=(*BASE, LINEAR_PART, SAME_BATCH),
    example=EXAMPLE,
    beyond_paper=True,
)


def ceiling(
    *,
    spectrum: Spectrum,
    aspect: float,
    c1: float,
    residual_var: float,
    weight: str = "identity",
) -> float:
    """Return the largest rho^2 of any rule beta = h(X, other inputs) X'y, in the limit.

    It is that of KFAC on the same batch at ``optimal_damping``. weight: "identity", or
    "covariance" for the squared correlation. Holds for an isotropic teacher.
    Units:  c1 in [y], residual_var in [y]^2.
    Raises: ValueError for a value outside its bound.
    Source: derived (Cauchy-Schwarz against the posterior mean of the teacher).
    """
    need_one_of("weight", weight, WEIGHTS)
    need_spectrum(spectrum)
    need_positive(aspect=aspect)
    need_link(c1, residual_var)
    if c1 == 0:
        return 0.0
    best = optimal_damping(aspect=aspect, c1=c1, residual_var=residual_var)
    if best == 0 and aspect <= 1:
        return 1.0
    v = float(resolvent(spectrum, aspect=aspect, damping=best).v)
    part = "ceiling" if weight == "identity" else "correlation_ceiling"
    return float(SI_18[part].number(spectrum, resolvent_v=v))
