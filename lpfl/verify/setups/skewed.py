"""Skewed samples, and what the statements about decision rules need to know of them."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import special

from lpfl.verify.space import Integers, Reals
from lpfl.verify.trial import Trial, as_numpy
from theory.decisions.means import DR_03

Array = NDArray[np.float64]

COUNT = Integers("replicate_count", 16, 200)
SHAPE = Reals("gamma_shape", 1.0, 40.0, log=True)
LEVEL = Reals("decision_level", 1e-9, 1e-2, log=True)
SLACK = Reals("tolerance", 0.1, 10.0, log=True)
POWER = 0.9


def sample(trial: Trial, name: str, count: int, shape: float) -> Array:
    """Return a gamma sample (count,) of mean 0 and variance 1; its long tail lies above."""
    known: dict[str, Any] = {"dtype": torch.float64, "device": trial.device}
    uniform = as_numpy(torch.rand(count, generator=trial.stream(name), **known))
    return np.asarray((special.gammaincinv(shape, uniform) - shape) / math.sqrt(shape))


def described(values: Array, tail: float) -> dict[str, float]:
    """Return what the statements need to know of a sample, from its definitions.

    The quantile of Student's t comes from the incomplete beta function, not from where the rule
    takes it.
    """
    gap = values - values.mean()
    x = float(special.betaincinv((values.size - 1) / 2.0, 0.5, tail / 2.0))
    return {
        "replicate_count": values.size,
        "squared_deviations": float(np.sum(gap**2)),
        "cubed_deviations": float(np.sum(gap**3)),
        "student_quantile": math.sqrt((values.size - 1) * (1.0 - x) / x),
        "normal_quantile": -float(special.ndtri(tail / 4.0)),
        "power_quantile": float(special.ndtri(POWER)),
    }


def sides(trial: Trial, known: Mapping[str, float]) -> tuple[float, float, float]:
    """Return standard error, reach above and reach below, as DR-03 states them."""
    error, above, below = (
        float(DR_03[part].number_of(known)) for part in ("standard_error", "above", "below")
    )
    return error, above, below


def stated_detectable(
    trial: Trial, known: Mapping[str, float], tolerance: float, error: float, reach: float
) -> float:
    """Return the size of an error that is called detectable, as the claim states it."""
    values = {**known, "tolerance": tolerance, "standard_error": error, "reach": reach}
    return float(trial.claim["detectable"].number_of(values))
