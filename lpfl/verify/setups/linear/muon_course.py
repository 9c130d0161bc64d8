"""Muon on a wide layer from its slowest mode, for as many rows as it is said to need (LR-41)."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl import linalg
from lpfl.optim.muon import muon
from lpfl.problems import linear_representation as model
from lpfl.verify.expect import Comparison, Near, Ordered, Rival
from lpfl.verify.setups.linear import noise_dominated as noisy
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.tolerance import Tolerance, finite_size, judgement
from lpfl.verify.trial import Trial, as_numpy
from theory.linear_representation import samples_to_reach
from theory.linear_representation.variants.steps.powers import overhead_of

Array = NDArray[np.float64]

RANK, WIDTH = 2, 64
REPLICATES = 200  # |T|^2 is a sum over 124 entries: 1.3 % standard error
SLOWER = 4.0  # rates over those of the other methods: the gradient must stay below its noise


@dataclass(frozen=True)
class Wide:
    """A diagonal truth of low rank and the eigenvalues of H and Sigma, G* in the first ones."""

    problem: model.LinearRepresentation
    heads: Array
    inputs: Array

    def curvature(self) -> Array:
        """Return sqrt(lambda_i) mu_j of the tangents (k, d - k), in which the rates go."""
        return np.sqrt(self.heads)[:, None] * self.inputs[self.heads.size :]


@dataclass(frozen=True)
class Course:
    """What Muon is to do; slowest: its smallest rate per step."""

    step_size: float
    accuracy: float
    start: float
    steps: int
    slowest: float
    overhead: float


def muon_rows(
    trial: Trial, other_steps: Mapping[str, float], room: Tolerance
) -> Iterator[Comparison]:
    """Yield the rows that Muon needs, and that its step size is the best.

    other_steps: factors on the step size by label. room: for the interval of the mean.
    """
    known = wide_problem(trial)
    L = trial.log_start_over_accuracy
    overhead = overhead_of(L)
    unit = trial.number(
        "muon_best_step",
        accuracy=1.0,
        overhead=overhead,
        batch_size=trial.batch_size,
        noise_std=trial.noise_std,
        cov_trace=known.inputs.sum(),
        rank=known.heads.size,
        input_dim=known.inputs.size,
        head_root_trace=(known.heads**-0.5).sum(),
    )
    course = planned(trial, known, overhead=overhead, step_of_accuracy=float(unit))
    squares = ended(trial, known, course, 1.0)
    predicted = samples_to_reach(
        "muon",
        accuracy=course.accuracy,
        start=course.start,
        noise_std=trial.noise_std,
        head_eigenvalues=known.heads,
        schur_eigenvalues=known.inputs[known.heads.size :],
    )
    near = room + finite(known, course)
    yield Near(
        part="muon_samples",
        samples=squares / course.accuracy * course.steps * trial.batch_size,
        predicted=predicted,
        tolerance=near.times(predicted, "relative to the rows"),
        rival=Rival("no logarithm", predicted * (1.0 + L) / overhead),
    )
    for label, factor in other_steps.items():
        other = ended(trial, known, course, factor)
        yield Ordered(
            part="muon_best_step",
            label=label,
            better=other,
            worse=squares,
            slack=judgement(0.0, "the ordering is strict"),
        )


def wide_problem(trial: Trial) -> Wide:
    """Return a problem with the scenario's spectra on sizes of its own."""
    heads = np.logspace(0.0, -trial.head_log10_cond, RANK)
    inputs = np.asarray(replace(trial.covariance, dim=WIDTH).spectrum())
    problem = noisy.diagonal_truth(trial, heads, inputs, replicates=trial.replicates(REPLICATES))
    return Wide(problem, heads, inputs)


def planned(trial: Trial, known: Wide, *, overhead: float, step_of_accuracy: float) -> Course:
    """Return the course of the best step size, in a whole number of steps; admit it."""
    curvature = known.curvature()
    unit = math.sqrt(trial.batch_size / known.inputs.sum()) / trial.noise_std
    slowest = trial.fastest_rate / SLOWER * float(curvature.min() / curvature.max())
    steps = math.ceil((overhead - 1.0) / (2.0 * slowest))
    step_size = (overhead - 1.0) / (2.0 * steps) / (unit * float(curvature.min()))
    accuracy = step_size / step_of_accuracy
    setup.admit(
        trial,
        known.problem,
        batch_size=trial.batch_size,
        step_size=step_size,
        multiplier=1.0 - step_size * unit * float(curvature.max()),
    )
    start = accuracy * math.exp(trial.log_start_over_accuracy)
    slow = step_size * unit * float(curvature.min())
    return Course(step_size, accuracy, start, steps, slow, overhead)


def ended(trial: Trial, known: Wide, course: Course, factor: float) -> Array:
    """Return |T|^2 (R,) after the planned steps with ``factor`` times the step size."""
    problem, stream = known.problem, trial.stream("wide batches")
    method = muon(step_size=factor * course.step_size, momentum=0.0, nesterov=False, head="frozen")
    G_star = problem.representation_star
    R, k, d = G_star.shape
    B = torch.eye(d, dtype=G_star.dtype, device=G_star.device)[k:].expand(R, d - k, d)
    row, column = np.unravel_index(known.curvature().argmin(), (k, d - k))
    T = torch.zeros(R, k, d - k, dtype=G_star.dtype, device=G_star.device)
    T[:, row, column] = math.sqrt(course.start)
    weights = model.Weights(problem.head_star, G_star + T @ B)
    memory = method.init(weights)
    for _ in range(course.steps):
        batch = noisy.noisy_batch(problem, trial.batch_size, stream)
        weights, memory = method.step(weights, memory, batch)
    T = linalg.tangent_matrix(weights.representation, G_star, B)
    return as_numpy(T.square().sum((-2, -1)))


def finite(known: Wide, course: Course) -> Tolerance:
    """Return what finite sizes, rates and a finite start do to the square at the end."""
    width = float((known.inputs**2).sum() / known.inputs.sum() ** 2)
    rows = finite_size((known.heads.size + 1) * width, "(k + 1)/d: rows are orthogonal only then")
    curvature = known.curvature()
    fastest = course.slowest * float(curvature.max() / curvature.min())
    step = finite_size(fastest / 2.0, "half of the fastest rate per step")
    share = course.start * (course.slowest / course.step_size) ** 2
    signal = finite_size(
        share / (2.0 * course.overhead), "the start's gradient over its noise, squared, at the end"
    )
    late = (1.0 - 1.0 / course.overhead) * math.exp(1.0 - course.overhead)
    return rows + step + signal + finite_size(late, "what the floor still lacks at the end")
