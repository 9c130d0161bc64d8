"""LR-08: the cone in which one KFAC step contracts, with the sharp factor."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, parts_of
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    NO_DAMPING,
    NOISELESS,
    RANKS,
    STEP_UP_TO_ONE,
)
from theory.linear_representation.notation import b_cone, eta, kappa, phi, theta, theta_next

# arccos(2 sqrt(kappa)/(kappa + 1)), in the form that keeps its digits near kappa = 1.
CONE_ANGLE = sp.atan((kappa - 1) / (2 * sp.sqrt(kappa)))
CONE_DEFECT = sp.Max(0, sp.tan(theta) * sp.tan(phi - theta))
CONE_FACTOR = (1 - eta) / (1 - eta * b_cone)
HALF_ANGLE_DEFECT = ((sp.sqrt(kappa) - 1) / (sp.sqrt(kappa) + 1)) ** 2
EDGE_DEFECT = sp.Rational(1, 2) - 2 * kappa / (kappa - 1) ** 2
# The angle phi/2 of the largest defect lies inside the cone while phi <= 60 degrees.
HALF_ANGLE_LIMIT = 7 + 4 * sp.sqrt(3)

INSIDE_CONE = Assumption(
    "the largest angle lies inside the cone",
    theta < sp.pi / 2 - CONE_ANGLE,
)
CONE_EXAMPLE = {**EXAMPLE, "noise_std": 0.0, "condition_number": 4.0, "angle": 0.3}

LR_08 = Claim(
    id="LR-08",
    title="Sharp cone of one-step contraction",
    says=(
        "With the least-squares head and no noise, a start inside the cone of angles below π/2 − "
        "ϕ, where ϕ depends on κ alone, stays inside. The tangent of the largest angle shrinks "
        "per step at least by the factor (1 − η)/(1 − ηb) with b < 1/2: the rate tends to 1 − η, "
        "and nowhere in the cone is it slower than 1 − η/2. The condition number sets the width "
        "of the cone, not the rate; outside, one step can enlarge the angle. The factor is "
        "attained, for angles up to ϕ."
    ),
    source=DERIVED,
    parts=parts_of(
        Kind.BOUND,
        sp.Tuple(
            sp.Le(sp.tan(theta_next), CONE_FACTOR * sp.tan(theta)),
            sp.Le(b_cone, HALF_ANGLE_DEFECT),
            sp.Lt(b_cone, sp.Rational(1, 2)),
            sp.Lt(theta_next, sp.pi / 2 - phi),
        ),
        ("contraction", "defect", "uniform", "invariant"),
    ),
    definitions={phi: CONE_ANGLE, b_cone: CONE_DEFECT},
    assumptions=(*RANKS, NO_DAMPING, NOISELESS, STEP_UP_TO_ONE, INSIDE_CONE),
    example=CONE_EXAMPLE,
    beyond_paper=True,
)
