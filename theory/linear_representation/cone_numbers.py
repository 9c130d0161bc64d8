"""Numbers of the cone: its angle, its factor, the admissible start, the worst case."""

import math

import numpy as np

from theory.core.formula import numeric
from theory.core.guards import Array, number
from theory.linear_representation.cone import (
    CONE_ANGLE,
    CONE_DEFECT,
    CONE_FACTOR,
    EDGE_DEFECT,
    HALF_ANGLE_DEFECT,
    HALF_ANGLE_LIMIT,
)
from theory.linear_representation.start import ADMISSIBLE_DEFECT

_ANGLE = numeric(CONE_ANGLE)
_DEFECT = numeric(CONE_DEFECT)
_FACTOR = numeric(CONE_FACTOR)
_HALF_ANGLE = numeric(HALF_ANGLE_DEFECT)
_EDGE = numeric(EDGE_DEFECT)
_ADMISSIBLE = numeric(ADMISSIBLE_DEFECT)


def cone_angle(condition_number: float) -> float:
    """Return phi, the largest angle in rad between u and Sigma u; the cone is pi/2 - phi wide.

    Raises: ValueError if condition_number < 1.
    Source: Kantorovich's inequality (LR-08).
    """
    kappa = number("condition_number", condition_number, low=1.0)
    return float(_ANGLE(condition_number=kappa))


def cone_defect(tan_theta: float, *, condition_number: float) -> float:
    """Return b = [tan(theta) tan(phi - theta)]_+ of an angle inside the cone.

    Raises: ValueError outside the cone tan_theta < cot(phi).
    Source: derived (LR-08).
    """
    phi = cone_angle(condition_number)
    theta = math.atan(number("tan_theta", tan_theta, low=0.0))
    if theta >= math.pi / 2 - phi:
        raise ValueError(f"tan_theta={tan_theta}, needs < {1 / math.tan(phi)}: outside the cone")
    return float(_DEFECT(angle=theta, cone_angle=phi))


def cone_contraction(tan_theta: float, *, condition_number: float, step_size: float) -> float:
    """Return the sharp bound (1-eta)/(1-eta b) on tan(theta+)/tan(theta) of one KFAC step.

    Raises: ValueError outside the cone, or step_size outside [0, 1].
    Source: derived (LR-08); at eta = 1 the bound is 0 (b < 1 inside the cone).
    """
    eta = number("step_size", step_size, low=0.0, high=1.0)
    defect = cone_defect(tan_theta, condition_number=condition_number)
    return float(_FACTOR(step_size=eta, cone_defect=defect))


def slowest_cone_contraction(*, condition_number: float, step_size: float) -> float:
    """Return the supremum of the factor over the cone, (1-eta)/(1-eta/2) or below.

    The worst angle is phi/2 up to condition number 7 + 4 sqrt(3) and the edge of the cone above.
    Raises: ValueError if condition_number < 1 or step_size outside [0, 1].
    Source: derived (LR-08).
    """
    kappa = number("condition_number", condition_number, low=1.0)
    eta = number("step_size", step_size, low=0.0, high=1.0)
    worst = _HALF_ANGLE if kappa <= float(HALF_ANGLE_LIMIT) else _EDGE
    return float(_FACTOR(step_size=eta, cone_defect=worst(condition_number=kappa)))


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
    limit = float(_ADMISSIBLE(step_size=eta))
    cone = 1 / math.tan(phi)
    total = math.tan(phi) * (1 - limit)
    discriminant = total**2 - 4 * limit
    if total <= 0 or discriminant < 0:
        return cone
    return min(cone, 2 * limit / (total + math.sqrt(discriminant)))


def worst_case_covariance(tan_theta: float, *, condition_number: float) -> Array:
    """Return the 2 x 2 covariance (largest eigenvalue 1) that attains the cone factor.

    For k = 1, G* = [1 0], T = [[tan_theta]]: Sigma turns the row (1, tan_theta) by phi towards and
    past G*. Attained for theta <= phi only; beyond, the bound is not sharp.
    Raises: ValueError if theta > phi or outside the cone.
    Source: derived (LR-08, equality).
    """
    cone_defect(tan_theta, condition_number=condition_number)
    phi, theta = cone_angle(condition_number), math.atan(tan_theta)
    if theta > phi:
        raise ValueError(f"tan_theta={tan_theta}, needs <= {math.tan(phi)}: no worst case beyond")
    axis = theta - math.atan(math.sqrt(condition_number))
    top = np.array([math.cos(axis), math.sin(axis)])
    low = np.array([-math.sin(axis), math.cos(axis)])
    return np.outer(top, top) + np.outer(low, low) / condition_number
