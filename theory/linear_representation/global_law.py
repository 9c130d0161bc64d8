"""Numbers of LR-28: the global law of KFAC in the Sigma inner product."""

import math

from theory.core.formula import numeric
from theory.core.guards import count, number
from theory.linear_representation.angles import LR_28

_PARTS = LR_28.relations()
_TANGENT = numeric(_PARTS["tangent"].args[1])
_SINE = numeric(_PARTS["sine"].args[1])
_DISTANCE = numeric(_PARTS["distance"].args[1])


def global_tangent(tan_theta: float, *, step_size: float) -> float:
    """Return the tangent, in the Sigma inner product, of a principal angle after one KFAC step.

    Raises: ValueError if tan_theta < 0 or step_size outside [0, 1].
    Source: derived (LR-28; LR-07 for isotropic input).
    """
    theta = math.atan(number("tan_theta", tan_theta, low=0.0))
    return float(_TANGENT(angle=theta, step_size=number("step_size", step_size, low=0.0, high=1.0)))


def global_sine(sin_theta: float, *, step_size: float) -> float:
    """Return the sine, in the Sigma inner product, of a principal angle after one KFAC step.

    Raises: ValueError if sin_theta outside [0, 1) or step_size outside [0, 1].
    Source: derived (LR-28).
    """
    theta = math.asin(number("sin_theta", sin_theta, low=0.0, high=1.0, open_high=True))
    return float(_SINE(angle=theta, step_size=number("step_size", step_size, low=0.0, high=1.0)))


def global_distance_bound(
    distance_covariance: float, *, condition_number: float, step_size: float, num_steps: int
) -> float:
    """Return sqrt(kappa) (1-eta)^t times the Sigma-weighted distance at the start.

    It bounds the Euclidean subspace distance after num_steps steps.
    Raises: ValueError if the distance is outside [0, 1), condition_number < 1, step_size outside
    [0, 1] or num_steps < 0.
    Source: derived (LR-28).
    """
    return float(
        _DISTANCE(
            distance_covariance=number(
                "distance_covariance", distance_covariance, low=0.0, high=1.0, open_high=True
            ),
            condition_number=number("condition_number", condition_number, low=1.0),
            step_size=number("step_size", step_size, low=0.0, high=1.0),
            num_steps=count("num_steps", num_steps, low=0),
        )
    )
