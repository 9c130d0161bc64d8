"""Numbers of LR-13 and LR-14: AMGD along one eigenvector, its lower bound, its 2-cycle."""

import math

from theory.core.formula import numeric
from theory.core.guards import count, number
from theory.linear_representation.amgd import CYCLE_SINE2, LR_13, LR_14

_SINE = numeric(LR_13.relations()["sine"].args[1])
_LOWER = numeric(LR_14.relations()["lower"].args[1])
_CYCLE = numeric(CYCLE_SINE2)


def amgd_sine_step(sine: float, *, scaled_step: float) -> float:
    """Return the sine after one isotropic AMGD step along an eigenvector of H.

    scaled_step: step size times that eigenvalue, >= 0.
    Raises: ValueError if sine is outside [0, 1] or scaled_step < 0.
    Source: derived (LR-13).
    """
    s = number("sine", sine, low=0.0, high=1.0)
    h = number("scaled_step", scaled_step, low=0.0)
    return float(_SINE(sine=s, cosine=math.sqrt((1 - s) * (1 + s)), scaled_step=h))


def amgd_lower_bound(distance: float, *, head_condition_number: float, num_steps: int) -> float:
    """Return max(0, 1 - 2/kappa)^t times the start distance: some start is never below it.

    Raises: ValueError if distance is outside (0, 1), head_condition_number < 1, num_steps < 0.
    Source: Collins et al. 2021 setting; constant derived (LR-14).
    """
    return float(
        _LOWER(
            distance=number("distance", distance, low=0.0, high=1.0, open_low=True, open_high=True),
            head_condition_number=number("head_condition_number", head_condition_number, low=1.0),
            num_steps=count("num_steps", num_steps, low=0),
        )
    )


def amgd_two_cycle(*, step_size: float, head_max: float) -> float:
    """Return the sine at which isotropic AMGD repeats itself every second step.

    Raises: ValueError unless step_size * head_max > 2.
    Source: derived (LR-14).
    """
    scaled = number("step_size", step_size, low=0.0) * number("head_max", head_max, low=0.0)
    number("step_size * head_max", scaled, low=2.0, open_low=True)
    return math.sqrt(float(_CYCLE(scaled_step=scaled)))
