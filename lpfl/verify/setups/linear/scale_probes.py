"""Local rates in other units, with other noise, and with other batches, of a scenario."""

import numpy as np
from numpy.typing import NDArray

from lpfl.measure import unit_response
from lpfl.measure.unit_response import WARM_UP, Units
from lpfl.optim import Method
from lpfl.problems import linear_representation as model
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.trial import Trial, as_numpy

Array = NDArray[np.float64]


def local_rates(
    trial: Trial,
    method: Method,
    truth: model.LinearRepresentation,
    units: Units,
    *,
    remembers: bool,
    name: str,
) -> Array:
    """Return the rates of :func:`lpfl.measure.unit_response.local_rates` (R,)."""
    return as_numpy(
        unit_response.local_rates(
            method,
            truth,
            units,
            batch_size=trial.batch_size,
            warm_up=WARM_UP if remembers else 0,
            stream=trial.stream,
            name=name,
        )
    )


def admit(trial: Trial, problem: model.LinearRepresentation, step_size: float) -> None:
    """Test the domain on the problem and the largest step size."""
    setup.admit(trial, problem, batch_size=trial.batch_size, step_size=step_size)
