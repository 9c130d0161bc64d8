"""Factors of single-index runs: covariances without labels, mixtures, moving averages."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from lpfl.optim.core.average import Average, include
from lpfl.problems import single_index as model
from lpfl.problems.single_index import moments as sampler
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.tolerance import Tolerance, finite_size
from lpfl.verify.trial import Trial

# The average starts at the exact covariance, its own mean. What is left of this start changes the
# energy of the shares by its square only.
LEFT_OF_START = 0.05
TRACE = 2.0  # over d: bias of a normalised trace, as in setups/alignment.py


def dense(trial: Trial) -> Tensor:
    """Return the scenario's covariance as a matrix (d, d)."""
    matrix = setup.covariance(trial)
    return torch.diag(matrix) if matrix.ndim == 1 else matrix


def unlabelled(
    trial: Trial, problem: model.SingleIndexProblem, block: int, n: int, *name: str | int
) -> Tensor:
    """Draw the second moment (R, d, d) of n rows without labels."""
    stream = trial.stream(*name, block)
    return sampler.sample_second_moment(problem, n, generator=stream)


def mixed(weights: Sequence[float], moments: Sequence[Tensor]) -> Tensor:
    """Return the weighted sum of second moments."""
    return torch.stack([a * Q for a, Q in zip(weights, moments, strict=True)]).sum(0)


def burn_in(decay: float) -> int:
    """Return after how many batches LEFT_OF_START of an average's start is left."""
    return 0 if decay == 0 else math.ceil(math.log(LEFT_OF_START) / math.log(decay))


def long_run_average(
    trial: Trial, problem: model.SingleIndexProblem, block: int, *, n: int, decay: float, name: str
) -> Average:
    """Return a moving average of second moments of n rows that has run for long."""
    start = dense(trial).expand(problem.replicates, problem.dim, problem.dim)
    average = Average(start, 1.0)
    for k in range(burn_in(decay)):
        average = include(average, unlabelled(trial, problem, block, n, name, k), decay)
    return average


def averaged_steps(
    trial: Trial,
    problem: model.SingleIndexProblem,
    block: int,
    *,
    n: int,
    decay: float,
    steps: int,
    factor_every: int = 1,
    inverse_every: int = 1,
    name: str = "average",
) -> Iterator[tuple[sampler.Moments, Tensor]]:
    """Yield per step its batch of n rows and the factor to invert, renewed every so many steps."""
    average = long_run_average(trial, problem, block, n=n, decay=decay, name=name)
    factor = average.mean
    for t in range(steps):
        stream = trial.stream(name, "step", t, block)
        batch = sampler.sample_moments(problem, n, generator=stream)
        if t % factor_every == 0:
            average = include(average, batch.second_moment, decay)
        if t % inverse_every == 0:
            factor = average.mean
        yield batch, factor


def of_trace(trial: Trial, value: float) -> Tolerance:
    """Return the finite-size term of a normalised trace whose limit is ``value``."""
    return finite_size(TRACE / trial.scenario.input_dim * max(value, 0.1), "2/d of the trace")


def near_trace(trial: Trial, part: str, samples: Any, predicted: float, **rivals: float) -> Any:
    """Return the comparison of a normalised trace of real batches with its limit."""
    tolerance = of_trace(trial, predicted)
    named = {name.replace("_", " "): value for name, value in rivals.items()}
    return compare.near(trial, part, samples, predicted, rivals=named, tolerance=tolerance)
