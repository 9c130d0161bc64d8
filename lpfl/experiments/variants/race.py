"""Races to an accuracy: every variant at the step size that theory calls best."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, isfinite

import numpy as np
import torch

from lpfl.experiments.core.estimates import Comparison, Estimate
from lpfl.experiments.core.experiment import Options, Say
from lpfl.experiments.variants.entrants import ENTRANTS, Entrant
from lpfl.experiments.variants.laws import Array, best_step, crossing
from lpfl.experiments.variants.truth import Truth, squares
from lpfl.problems.linear_representation import Batch, population_batch, sample
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.seeding import generator
from lpfl.simulate import simulate

MOST_STEPS = 6000
RESAMPLES = 400
LONGER = 1.3  # how much longer than predicted a run may take
RELATIVE, ABSOLUTE = 0.1, 0.3  # margin of a number of steps: of itself, and in steps


@dataclass(frozen=True)
class Finish:
    """One variant at one batch size: its step size, the predicted and the measured path."""

    entrant: Entrant
    n: int
    step_size: float
    predicted_path: Array
    measured_path: Array
    predicted: float
    measured: Estimate

    @property
    def comparison(self) -> Comparison:
        """Steps against steps; the margin is 10 % of them and a third of a step."""
        margin = RELATIVE * self.predicted + ABSOLUTE
        where = f"{self.entrant.name}, n = {self.n}"
        return Comparison(where, self.predicted, self.measured, margin)


def race(
    truth: Truth,
    rows: Sequence[int],
    options: Options,
    *,
    replicates: int,
    say: Say,
    entrants: Sequence[Entrant] = ENTRANTS,
) -> list[Finish]:
    """Run every variant at every batch size that theory says reaches the accuracy."""
    found = []
    for entrant in entrants:
        for n in rows:
            grid = entrant.grid(truth)
            step_size, predicted = best_step(entrant.law, truth, n, grid, most_steps=MOST_STEPS)
            if not isfinite(predicted):
                continue
            steps = ceil(LONGER * predicted + 2)
            path = measured_path(truth, entrant, step_size, n, steps, options, replicates)
            found.append(
                Finish(
                    entrant,
                    n,
                    step_size,
                    entrant.law(truth, step_size, n, steps),
                    path.mean(axis=1),
                    predicted,
                    time_of(path, truth.accuracy, options.seed),
                )
            )
        say(f"{entrant.name}: {len(rows)} batch sizes")
    return found


def measured_path(
    truth: Truth,
    entrant: Entrant,
    step_size: float,
    n: int,
    steps: int,
    options: Options,
    replicates: int,
) -> Array:
    """Return |T_t|_F^2 (steps + 1, R)."""
    problem = truth.problem(replicates, options.device)
    method = entrant.make(truth, step_size, n)
    name = ("variants", "race", entrant.name, n)
    draw: Callable[..., Batch] = sample if method.needs_rows else sample_moments

    def next_batch(step: int) -> Batch | tuple[Batch, ...]:
        stream = generator(options.seed, *name, step, device=options.device)
        batch = draw(problem, n, stream)
        return (batch, population_batch(problem)) if entrant.population else batch

    _, seen = simulate(
        method,
        truth.begin(problem),
        next_batch,
        num_steps=steps,
        observe={"squares": lambda weights: squares(weights, problem)},
    )
    return np.asarray(seen["squares"].cpu().numpy())


def time_of(path: Array, level: float, seed: int) -> Estimate:
    """Return when the mean over replicates falls to ``level``, with a bootstrap interval.

    A resample that never gets there counts as the last step.
    """
    steps, replicates = path.shape
    stream = generator(seed, "variants", "resamples")
    size = (RESAMPLES, replicates)
    drawn = torch.randint(replicates, size, generator=stream, device="cpu").numpy()
    means = np.stack([path[:, rows].mean(axis=1) for rows in drawn], axis=1)
    times = crossing(means, level)
    low, high = np.quantile(np.minimum(times, steps - 1.0), (0.025, 0.975))
    middle = min(float(crossing(path.mean(axis=1), level)), steps - 1.0)
    return Estimate(middle, max(high - middle, middle - low))
