"""Stationary squared tangents under fresh Gaussian batches, started at the truth."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lpfl import decide, linalg
from lpfl.optim.method import Method
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.simulate import simulate
from lpfl.verify.check import Trial, as_numpy
from lpfl.verify.setups import linear as setup

QUANTILE = 6.5  # the t quantile of one decision, rounded up


def share(weights: NDArray[np.float64]) -> float:
    """Return sum w^2 / (sum w)^2: one over the effective number of equal terms."""
    return float((weights**2).sum() / weights.sum() ** 2)


def one_truth(trial: Trial, replicates: int) -> model.LinearRepresentation:
    """Return the scenario's truth with noise, the same for every replicate."""
    truth = setup.draw_truth(trial, replicates=1, noise_std=trial.scenario.noise_std)
    return replace(
        truth,
        head_star=truth.head_star.expand(replicates, -1, -1),
        representation_star=truth.representation_star.expand(replicates, -1, -1),
    )


def squared_tangents(problem: model.LinearRepresentation) -> Callable[[model.Weights], Tensor]:
    """Return an observer of |T|_F^2 per replicate."""
    G_star, B = problem.representation_star, problem.complement

    def observe(weights: model.Weights) -> Tensor:
        T = linalg.tangent_matrix(weights.representation, G_star, B)
        return T.square().sum((-2, -1))

    return observe


def stationary_squares(
    trial: Trial,
    method: Method,
    problem: model.LinearRepresentation,
    *,
    name: str,
    batch_size: int,
    burn_in: int,
    num_steps: int,
) -> NDArray[np.float64]:
    """Return the time average of |T|_F^2 after ``burn_in`` steps, one value per replicate.

    Batches come from the sampler of sufficient statistics, or as rows for inputs of signs.
    """
    stream = trial.stream("batches", name)
    draw = sample_moments if problem.input_law == "gaussian" else model.sample

    def next_batch(t: int) -> model.Batch | tuple[model.Batch, ...]:
        if method.batches == 1:
            return draw(problem, batch_size, stream)
        return tuple(draw(problem, batch_size, stream) for _ in range(method.batches))

    truth = model.Weights(problem.head_star, problem.representation_star)
    settled, _ = simulate(method, truth, next_batch, num_steps=burn_in)
    _, seen = simulate(
        method,
        settled,
        next_batch,
        num_steps=num_steps,
        observe={"squares": squared_tangents(problem)},
    )
    return as_numpy(seen["squares"][1:].mean(0))


def decide_floor(
    trial: Trial,
    squares: NDArray[np.float64],
    predicted: float,
    *,
    tolerance: float,
    rival: float,
    slowest: float,
) -> decide.Verdict:
    """Decide that the squares have mean ``predicted``, in units of it.

    rival: another value that must stay apart. slowest: the smallest contraction per step, over
    which the rounding of every step adds up like noise.
    """
    scenario = trial.scenario
    entries = scenario.rank * (scenario.input_dim - scenario.rank)
    per_entry = linalg.machine_tolerance(trial.dtype, dim=1) ** 2 / slowest
    return decide.equivalence(
        squares / predicted,
        predicted=1.0,
        tolerance=tolerance + entries * per_entry / predicted,
        alpha=trial.alpha,
        matters=abs(rival / predicted - 1.0),
    )
