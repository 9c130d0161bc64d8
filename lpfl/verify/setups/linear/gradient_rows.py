"""AMGD and KFAC over many batches of many rows: averaged iterates, and step sizes that fall."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import linalg
from lpfl.optim.amgd import amgd
from lpfl.optim.kfac import kfac
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.verify.expect import Near, Rival
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.jacobian import schur_spectrum
from lpfl.verify.tolerance import Tolerance
from lpfl.verify.trial import Trial, as_numpy

Array = NDArray[np.float64]

ROWS = 2000  # so many that d/n is below a hundredth
AVERAGED_REPLICATES, AVERAGED_STEPS = 1000, 60
FALLING_REPLICATES = 2200
POWER = 1.15  # an effect seen nine times in ten is this much wider than the interval
DELAY = 2.0  # in rates of the fastest mode: its first step is half of the way
METHODS = {0.0: ("AMGD", amgd, 200), 1.0: ("KFAC", kfac, 40)}  # by power; the last: steps


def averaged_gradient(trial: Trial, room: Tolerance) -> Near:
    """Compare the mean of AMGD's iterates of one step size with the sum over entries."""
    problem = floors.one_truth(trial, AVERAGED_REPLICATES)
    heads, schurs = modes(trial, problem)
    step_size = min(trial.step_size, 1.0) / float((heads * schurs).max())
    trial.admit(batch_size=ROWS, step_size=step_size)
    path = [
        tangents(problem, weights)
        for weights in run(trial, problem, "averaged", [step_size] * AVERAGED_STEPS, 0.0)
    ]
    known = {"step_size": step_size, "batch_size": ROWS, "num_steps": AVERAGED_STEPS}
    curvature = {"head_eigenvalue": heads, "schur_eigenvalue": schurs}
    predicted = float(trial.number("averaged_gradient", **known, **curvature).sum())
    floor = step_size * trial.noise_std**2 / ROWS / (2.0 - step_size * heads * schurs)
    return Near(
        part="averaged_gradient",
        samples=as_numpy(torch.stack(path).mean(0).square().sum((-2, -1))),
        predicted=predicted,
        tolerance=room.times(predicted, "relative to the error"),
        rival=Rival("the last iterate", float(floor.sum())),
    )


def falling(trial: Trial, room: Tolerance) -> Iterator[Near]:
    """Run step sizes c/(s + t_0) without a preconditioner, and with the whole inverse curvature.

    Where the floor of the last step size is near, there are more replicates to tell the two apart.
    """
    heads, schurs = modes(trial, floors.one_truth(trial, 1))
    for power, (label, _, steps) in METHODS.items():
        rates = (heads * schurs) ** (1.0 - power)
        constant = 1.0 / float(rates.min())
        delay = DELAY * constant * float(rates.max())
        sizes = [constant / (s + delay) for s in range(1, steps + 1)]
        trial.admit(batch_size=ROWS, step_size=max(sizes))
        known = {"batch_size": ROWS, "num_steps": steps, "falling_constant": constant}
        known |= {"delay": delay, "preconditioning_power": power}
        curvature = {"head_eigenvalue": heads, "schur_eigenvalue": schurs}
        entries = np.asarray(trial.number("falling", **known, **curvature))
        predicted = float(entries.sum())
        last = sizes[-1] / 2.0 * trial.noise_std**2 / ROWS
        floor = float((last * (heads * schurs) ** -power).sum())
        tolerance = room.times(predicted, "relative to the error")
        left = (abs(predicted - floor) - tolerance.value) / predicted / POWER
        needed = floors.replicates_for(2.0 * floors.share(entries), left) if left > 0 else 0
        problem = floors.one_truth(trial, max(FALLING_REPLICATES, needed))
        *_, end = run(trial, problem, f"falling {power}", sizes, power)
        yield Near(
            part="falling",
            label=label,
            samples=as_numpy(tangents(problem, end).square().sum((-2, -1))),
            predicted=predicted,
            tolerance=tolerance,
            rival=Rival("the floor of the last step size", floor),
        )


def modes(trial: Trial, problem: model.LinearRepresentation) -> tuple[Array, Array]:
    """Return the eigenvalues of H in a column and those of Sigma_s in a row."""
    return setup.head_eigenvalues(trial.scenario)[:, None], schur_spectrum(problem)[None, :]


def run(
    trial: Trial,
    problem: model.LinearRepresentation,
    name: str,
    step_sizes: list[float],
    power: float,
) -> Iterator[model.Weights]:
    """Yield the weights after every step from the truth, on fresh batches."""
    _, make, _ = METHODS[power]
    stream = trial.stream(name)
    weights = model.Weights(problem.head_star, problem.representation_star)
    for step_size in step_sizes:
        method = make(step_size=step_size)
        batch = sample_moments(problem, ROWS, stream)
        weights, _ = method.step(weights, method.init(weights), batch)
        yield weights


def tangents(problem: model.LinearRepresentation, weights: model.Weights) -> Tensor:
    """Return T (R, k, d-k)."""
    return linalg.tangent_matrix(
        weights.representation, problem.representation_star, problem.complement
    )
