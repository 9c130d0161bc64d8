"""LR-09: the paper's form of the contraction and the starts for which it is true."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, parts_of
from theory.core.source import Source
from theory.linear_representation.assumptions import (
    ATTRIBUTED,
    NO_DAMPING,
    NOISELESS,
    RANKS,
    STEP_UP_TO_ONE,
)
from theory.linear_representation.cone import (
    CONE_ANGLE,
    CONE_DEFECT,
    CONE_EXAMPLE,
    CONE_FACTOR,
    INSIDE_CONE,
)
from theory.linear_representation.notation import b_cone, eta, phi, theta, theta_next

PAPER_FACTOR = 1 - sp.Rational(9, 10) * eta
ADMISSIBLE_DEFECT = sp.Rational(1, 10) / PAPER_FACTOR

LR_09 = Claim(
    id="LR-09",
    title="Contraction by 1 − 0.9η, and from which starts",
    says=(
        "The tangent of the largest angle shrinks by the factor 1 − 0.9η per step for small "
        "angles. In the worst case this is true exactly if tan θ tan(ϕ − θ) ≤ 0.1/(1 − 0.9η). So "
        "the admissible start scales like 1/√κ, and no constant free of κ works."
    ),
    source=ATTRIBUTED + Source.derived("the factor 0.9 was not seen in the paper"),
    parts=parts_of(
        Kind.BOUND,
        sp.Tuple(
            sp.Le(sp.tan(theta_next), PAPER_FACTOR * sp.tan(theta)),
            sp.Le(CONE_FACTOR, PAPER_FACTOR),
        ),
        ("contraction", "cone_factor"),
    ),
    definitions={phi: CONE_ANGLE, b_cone: CONE_DEFECT},
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
