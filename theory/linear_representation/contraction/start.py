"""LR-09: the contraction by 1 - 0.9 eta and the starts for which it is true."""

import math

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.formula import numeric
from theory.core.guards import number
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.assumptions import (
    ATTRIBUTED,
    NO_DAMPING,
    NOISELESS,
    RANKS,
    STEP_UP_TO_ONE,
)
from theory.linear_representation.contraction.cone import (
    CONE_ANGLE,
    CONE_DEFECT,
    CONE_EXAMPLE,
    CONE_FACTOR,
    INSIDE_CONE,
    LR_08,
    cone_angle,
)
from theory.linear_representation.notation import (
    b_cone,
    b_edge,
    eta,
    kappa,
    phi,
    t_edge,
    theta,
    theta_next,
    theta_worst,
)

STATED_FACTOR = 1 - sp.Rational(9, 10) * eta
# Where (1 - eta)/(1 - eta b) reaches 1 - 0.9 eta.
ADMISSIBLE_DEFECT = sp.Rational(1, 10) / STATED_FACTOR
_ROOT_SUM = sp.tan(phi) * (1 - b_edge)

LR_09 = Claim(
    id="LR-09",
    title="Contraction by 1 − 0.9η, and from which starts",
    says=(
        "The tangent of the largest angle shrinks per step at least by the factor 1 − 0.9η from "
        "every start with tan θ tan(ϕ − θ) ≤ 0.1/(1 − 0.9η). Beyond that edge the worst "
        "covariance contracts by less. The admissible tangent is the smaller root t_a of the "
        "equality, or the edge of the cone if the root lies outside. For large κ and η < 8/9 it "
        "behaves like 2/(9(1 − η)√κ). So no starting angle free of κ is small enough."
    ),
    source=ATTRIBUTED
    + Source.derived("the factor 0.9, which was not seen in the paper, and the admissible starts"),
    parts={
        "contraction": Part(
            Kind.BOUND, sp.Le(sp.tan(theta_next), STATED_FACTOR * sp.tan(theta), evaluate=False)
        ),
        "cone_factor": Part(Kind.BOUND, sp.Le(CONE_FACTOR, STATED_FACTOR, evaluate=False)),
        "beyond": Part(
            Kind.BOUND, sp.Gt(sp.tan(theta_worst), STATED_FACTOR * sp.tan(theta), evaluate=False)
        ),
        "edge": Part(
            Kind.IDENTITY,
            sp.Eq(
                t_edge,
                2 * b_edge / (_ROOT_SUM + sp.sqrt(sp.Max(0, _ROOT_SUM**2 - 4 * b_edge))),
                evaluate=False,
            ),
        ),
        "scaling": Part(
            Kind.LIMIT, sp.Eq(sp.sqrt(kappa) * t_edge, 2 / (9 * (1 - eta)), evaluate=False)
        ),
    },
    definitions={phi: CONE_ANGLE, b_cone: CONE_DEFECT, b_edge: ADMISSIBLE_DEFECT},
    assumptions=(
        *RANKS,
        NO_DAMPING,
        NOISELESS,
        STEP_UP_TO_ONE,
        INSIDE_CONE,
        Assumption(
            "the start is admissible",
            CONE_DEFECT.subs(phi, CONE_ANGLE) <= ADMISSIBLE_DEFECT,
        ),
    ),
    example={**CONE_EXAMPLE, "angle": 0.1},
    beyond_paper=True,
)


_ADMISSIBLE_DEFECT = numeric(ADMISSIBLE_DEFECT)


def admissible_tangent(*, condition_number: float, step_size: float) -> float:
    """Return the supremum of tan(theta) up to which every start contracts by 1 - 0.9 eta.

    It is the smaller root of tan(theta) tan(phi - theta) = 0.1/(1 - 0.9 eta); infinity for
    condition number 1. Where there is no root in the cone it is the width of the cone, and nothing
    is claimed beyond.
    Raises: ValueError if condition_number < 1 or step_size outside [0, 1].
    Source: derived (LR-09).
    """
    phi = cone_angle(condition_number)
    eta = number("step_size", step_size, low=0.0, high=1.0)
    if phi == 0:
        return math.inf
    cone = 1 / math.tan(phi)
    largest = float(LR_08["defect"].number(condition_number=condition_number))
    if largest < float(_ADMISSIBLE_DEFECT(step_size=eta)):  # no root: the defect stays below
        return cone
    root = LR_09["edge"].number(condition_number=condition_number, step_size=eta)
    return min(cone, float(root))
