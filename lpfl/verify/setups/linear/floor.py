"""Stationary squared tangents under fresh Gaussian batches, started at the truth."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import Generator, Tensor

from lpfl import linalg
from lpfl.optim.core.method import Method
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.simulate import simulate
from lpfl.verify.expect import Near, Rival
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.jacobian import schur_spectrum
from lpfl.verify.tolerance import Basis, Tolerance
from lpfl.verify.trial import Trial, as_numpy

QUANTILE = 8.0  # that of one decision, rounded up
LEAST_REPLICATES = 64
MOST_REPLICATES = 200_000  # some 35,000 are asked for where two statements lie nearest together
MANY_STEPS_REPLICATES = 128
LEFT_OF_START = 1e-4


def share(weights: NDArray[np.float64]) -> float:
    """Return sum w^2 / (sum w)^2: one over the effective number of equal terms."""
    return float((weights**2).sum() / weights.sum() ** 2)


def replicates_for(spread2: float, half_width: float) -> int:
    """Return how many replicates give the interval this half-width, relative to the mean.

    spread2: the squared relative spread of one replicate, an upper estimate. A prediction that lies
    on its rival, as a wrong one may, would ask for any number: MOST_REPLICATES are the end.
    """
    if spread2 * QUANTILE**2 >= MOST_REPLICATES * half_width**2:
        return MOST_REPLICATES
    return max(LEAST_REPLICATES, math.ceil(spread2 * (QUANTILE / half_width) ** 2))


def one_truth(trial: Trial, replicates: int) -> model.LinearRepresentation:
    """Return the scenario's truth with noise, the same for every replicate; admit its facts."""
    truth = setup.draw_truth(trial, replicates=1, noise_std=trial.scenario.noise_std)
    replicates = trial.replicates(replicates)
    setup.admit(trial, truth, input_law=truth.input_law)
    return repeated(truth, replicates)


def repeated(truth: model.LinearRepresentation, replicates: int) -> model.LinearRepresentation:
    """Return one truth for every replicate."""
    return setup.repeated(truth, replicates)


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
    second: Callable[[Generator], model.Batch] | None = None,
) -> NDArray[np.float64]:
    """Return the time average of |T|_F^2 after ``burn_in`` steps, one value per replicate.

    Batches come from the sampler of sufficient statistics, or as rows for inputs of signs. second:
    draws the second batch of a step, for a method that takes two and if they differ in law.
    """
    stream = trial.stream("batches", name)
    draw = sample_moments if problem.input_law == "gaussian" else model.sample

    def next_batch(t: int) -> model.Batch | tuple[model.Batch, ...]:
        if method.batches == 1:
            return draw(problem, batch_size, stream)
        if second is not None:
            return draw(problem, batch_size, stream), second(stream)
        return tuple(draw(problem, batch_size, stream) for _ in range(method.batches))

    truth = model.Weights(problem.head_star, problem.representation_star)
    _, seen = simulate(
        method,
        truth,
        next_batch,
        num_steps=burn_in + num_steps,
        observe={"squares": squared_tangents(problem)},
    )
    return as_numpy(seen["squares"][burn_in + 1 :].mean(0))


def long_average(
    trial: Trial, method: Method, *, slowest: float, name: str, batch_size: int, half_width: float
) -> NDArray[np.float64]:
    """Return averages of |T|_F^2 over as many steps as the interval needs, per replicate.

    slowest: the largest modulus of a multiplier of T; its square is the autocorrelation of the
    squares per step. half_width: of the interval of the mean, relative to it.
    """
    heads = setup.head_eigenvalues(trial.scenario)
    problem = one_truth(trial, MANY_STEPS_REPLICATES)
    schurs = schur_spectrum(problem)
    memory = slowest**2
    # Squared relative spread of one |T|_F^2: a weighted sum of squares over a Wishart matrix.
    spread2 = 3.0 * share(1.0 / heads) * share(1.0 / schurs)
    independent = replicates_for(spread2, half_width) / MANY_STEPS_REPLICATES
    forgotten = math.log(LEFT_OF_START) / math.log(memory) if memory > 0 else 2.0
    return stationary_squares(
        trial,
        method,
        problem,
        name=name,
        batch_size=batch_size,
        burn_in=math.ceil(forgotten),
        num_steps=math.ceil(independent * (1.0 + memory) / (1.0 - memory)),
    )


def stated_floor(trial: Trial, problem: model.LinearRepresentation, *, n: int) -> float:
    """Return the floor that the claim states at this truth, H and Sigma_s by its definitions."""
    values = {
        "eta": trial.step_size,
        "sigma": problem.noise_std,
        "F^*": as_numpy(problem.head_star[0]),
        "B": as_numpy(problem.complement[0]),
        "Sigma": as_numpy(problem.cov_x),
    }
    sizes = {"d": trial.input_dim, "m": trial.output_dim, "k": trial.rank, "n": n}
    return float(trial.claim["floor"].matrix(values, sizes=sizes))


def unit(trial: Trial) -> float:
    """Return sigma^2 tr H^-1 tr Sigma_s^-1 / (n - d - 1) of the scenario."""
    heads = setup.head_eigenvalues(trial.scenario)
    schurs = schur_spectrum(one_truth(trial, 1))
    spread = float((1.0 / heads).sum() * (1.0 / schurs).sum())
    return float(trial.noise_std**2 * spread / (trial.batch_size - trial.input_dim - 1))


def near(
    trial: Trial,
    part: str,
    squares: NDArray[np.float64],
    predicted: float,
    *,
    relative: Tolerance,
    slowest: float,
    rival: Rival,
    label: str = "",
) -> Near:
    """Compare the mean of the squares with the predicted floor.

    relative: the tolerance over the floor. slowest: the smallest contraction per step, over which
    the rounding of every step adds up like noise.
    """
    entries = trial.rank * (trial.input_dim - trial.rank)
    per_entry = linalg.machine_tolerance(trial.dtype, dim=1) ** 2 / slowest
    noise = Tolerance(entries * per_entry, Basis.ROUNDING, "rounding of every step as noise")
    return Near(
        part=part,
        label=label,
        samples=squares,
        predicted=predicted,
        tolerance=relative.times(predicted, "relative to the floor") + noise,
        rival=rival,
    )
