"""LR-08: the cone in which one KFAC step contracts, with the sharp factor."""

import math

import numpy as np
import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.formula import numeric
from theory.core.guards import Array, number
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    NO_DAMPING,
    NOISELESS,
    RANKS,
    STEP_UP_TO_ONE,
)
from theory.linear_representation.notation import (
    b_cone,
    b_sup,
    eta,
    kappa,
    phi,
    theta,
    theta_next,
    theta_slow,
    theta_worst,
)

# arccos(2 sqrt(kappa)/(kappa + 1)), in the form that keeps its digits near kappa = 1.
CONE_ANGLE = sp.atan((kappa - 1) / (2 * sp.sqrt(kappa)))
CONE_DEFECT = sp.Max(0, sp.tan(theta) * sp.tan(phi - theta))
CONE_FACTOR = (1 - eta) / (1 - eta * b_cone)
HALF_ANGLE_DEFECT = ((sp.sqrt(kappa) - 1) / (sp.sqrt(kappa) + 1)) ** 2

INSIDE_CONE = Assumption(
    "the largest angle lies inside the cone",
    theta < sp.pi / 2 - CONE_ANGLE,
)
CONE_EXAMPLE = {**EXAMPLE, "noise_std": 0.0, "condition_number": 4.0, "angle": 0.3}

LR_08 = Claim(
    id="LR-08",
    title="Sharp cone of one-step contraction",
    says=(
        "The head is the least-squares head and there is no noise. The cone holds the angles "
        "below π/2 − ϕ, where ϕ depends on κ alone. A start inside the cone stays inside. One "
        "step multiplies the tangent of the largest angle by at most (1 − η)/(1 − ηb). The defect "
        "b is below 1/2 everywhere in the cone and tends to 0 with the angle, so the factor tends "
        "to 1 − η. The worst covariance attains the factor for θ ≤ ϕ. The defect is largest at "
        "ϕ/2, or at the edge of the cone if ϕ/2 lies outside. Outside the cone, at π/2 − ϕ/2, "
        "the worst covariance enlarges the angle if η/(2 − η) < ((√κ − 1)/(√κ + 1))²."
    ),
    source=DERIVED,
    parts={
        "contraction": Part(
            Kind.BOUND, sp.Le(sp.tan(theta_next), CONE_FACTOR * sp.tan(theta), evaluate=False)
        ),
        "defect": Part(Kind.BOUND, sp.Le(b_cone, HALF_ANGLE_DEFECT, evaluate=False)),
        "uniform": Part(Kind.BOUND, sp.Lt(b_cone, sp.Rational(1, 2), evaluate=False)),
        "invariant": Part(Kind.BOUND, sp.Lt(theta_next, sp.pi / 2 - phi, evaluate=False)),
        "attained": Part(
            Kind.IDENTITY,
            sp.Eq(sp.tan(theta_worst), CONE_FACTOR * sp.tan(theta), evaluate=False),
        ),
        "slowest": Part(
            Kind.IDENTITY,
            sp.Eq(b_sup, sp.tan(theta_slow) * sp.tan(phi - theta_slow), evaluate=False),
        ),
        "outside": Part(Kind.BOUND, sp.Gt(sp.tan(theta_worst), sp.tan(theta), evaluate=False)),
    },
    definitions={
        phi: CONE_ANGLE,
        b_cone: CONE_DEFECT,
        theta_slow: sp.Min(phi / 2, sp.pi / 2 - phi),
    },
    assumptions=(*RANKS, NO_DAMPING, NOISELESS, STEP_UP_TO_ONE, INSIDE_CONE),
    example=CONE_EXAMPLE,
    beyond_paper=True,
)

_CONE_ANGLE = numeric(CONE_ANGLE)


def cone_angle(condition_number: float) -> float:
    """Return phi, the largest angle in rad between u and Sigma u; the cone is pi/2 - phi wide.

    Raises: ValueError if condition_number < 1.
    Source: Kantorovich's inequality (LR-08).
    """
    kappa = number("condition_number", condition_number, low=1.0)
    return float(_CONE_ANGLE(condition_number=kappa))


def cone_defect(tan_theta: float, *, condition_number: float) -> float:
    """Return b = [tan(theta) tan(phi - theta)]_+ of an angle inside the cone.

    Raises: ValueError outside the cone tan_theta < cot(phi).
    Source: derived (LR-08).
    """
    theta = _inside(tan_theta, condition_number)
    return float(LR_08["uniform"].left(angle=theta, condition_number=condition_number))


def cone_contraction(tan_theta: float, *, condition_number: float, step_size: float) -> float:
    """Return the sharp bound (1-eta)/(1-eta b) on tan(theta+)/tan(theta) of one KFAC step.

    Raises: ValueError outside the cone, or step_size outside [0, 1].
    Source: derived (LR-08); at eta = 1 the bound is 0 (b < 1 inside the cone).
    """
    eta = number("step_size", step_size, low=0.0, high=1.0)
    theta = _inside(tan_theta, condition_number)
    if theta == 0.0:  # the bound and the tangent vanish together
        return 1.0 - eta
    bound = LR_08["contraction"].number(
        angle=theta, condition_number=condition_number, step_size=eta
    )
    return float(bound) / math.tan(theta)


def slowest_cone_contraction(*, condition_number: float, step_size: float) -> float:
    """Return the supremum of the factor over the cone, (1-eta)/(1-eta/2) or below.

    The worst angle is phi/2 up to condition number 7 + 4 sqrt(3) and the edge of the cone above.
    Raises: ValueError if condition_number < 1 or step_size outside [0, 1].
    Source: derived (LR-08).
    """
    kappa = number("condition_number", condition_number, low=1.0)
    eta = number("step_size", step_size, low=0.0, high=1.0)
    return (1.0 - eta) / (1.0 - eta * float(LR_08["slowest"].number(condition_number=kappa)))


def worst_case_covariance(tan_theta: float, *, condition_number: float) -> Array:
    """Return the 2 x 2 covariance (largest eigenvalue 1) that attains the cone factor.

    For k = 1, G* = [1 0], T = [[tan_theta]]: Sigma turns the row (1, tan_theta) by phi towards and
    past G*. Attained for theta <= phi only; beyond, the bound is not sharp.
    Raises: ValueError if theta > phi or outside the cone.
    Source: derived (LR-08, equality).
    """
    theta, phi = _inside(tan_theta, condition_number), cone_angle(condition_number)
    if theta > phi:
        raise ValueError(f"tan_theta={tan_theta}, needs <= {math.tan(phi)}: no worst case beyond")
    axis = theta - math.atan(math.sqrt(condition_number))
    top = np.array([math.cos(axis), math.sin(axis)])
    low = np.array([-math.sin(axis), math.cos(axis)])
    return np.outer(top, top) + np.outer(low, low) / condition_number


def _inside(tan_theta: float, condition_number: float) -> float:
    """Return the angle in rad, or raise ValueError outside the cone."""
    phi = cone_angle(condition_number)
    theta = math.atan(number("tan_theta", tan_theta, low=0.0))
    if theta >= math.pi / 2 - phi:
        edge = math.inf if phi == 0.0 else 1 / math.tan(phi)
        raise ValueError(f"tan_theta={tan_theta}, needs < {edge}: outside the cone")
    return theta
