"""Cycles on an average of many batches that is renewed every few steps (LR-31)."""

from collections.abc import Iterator

from lpfl.optim.kfac import kfac
from lpfl.verify.expect import Comparison, Near, Rival
from lpfl.verify.setups.linear import input_factor as factors
from lpfl.verify.tolerance import finite_size, judgement
from lpfl.verify.trial import Trial

MEMORY, RENEWALS = 0.95, 25  # decay of an average, and how often it was renewed by then
REPLICATES, FLOOR_REPLICATES, FLOOR_STEPS = 2000, 700, 24
FLOOR_NOISE = 1e-4  # the floor is linear in its square as long as the tangents are small
SAMPLED = judgement(0.1, "for the draws; factors of every batch are a third away or more")


def old_average(trial: Trial) -> Iterator[Comparison]:
    """A cycle from known tangents on an average of many batches, and squares in the long run."""
    length, eta, rows = trial.long_cycle, trial.long_step_size, trial.batch_size
    (k, p), d = factors.shape(trial), trial.input_dim
    trial.admit(batch_size=rows, step_size=eta, factor_every=length)
    warm = length * RENEWALS
    method = kfac(step_size=eta, factor_every=length, averaging=MEMORY)
    problem = factors.one_truth(trial, REPLICATES)
    start = factors.orthonormal(trial, problem.head_star.shape[0], k, p, "average tangents")
    # The first step, on the population, starts the cycles: the tangents wait for the next one.
    path = factors.chain(
        trial,
        method,
        problem,
        start,
        rows=rows,
        warm=warm - 1,
        steps=length,
        name="old average",
        memory=factors.of_population(method, problem),
    )
    # A step feels the average's own inverse, 1 + q (d + 1)/n, and the current batch's share in it.
    felt = ((1.0 - MEMORY) / (1.0 + MEMORY) + (1.0 - MEMORY) / length) * (d + 1) / rows
    order = finite_size(2.0 * felt * eta / (1.0 - eta), "what a step feels of a finite memory")
    squares = factors.inner(path[-1], path[-1]) / min(k, p)
    predicted = trial.number("average_square", batch_size=rows, step_size=eta, factor_every=length)
    yield Near(
        part="average_square",
        samples=squares,
        predicted=predicted,
        tolerance=(order.times(length, "over the steps") + SAMPLED).times(predicted, "of it"),
        rival=Rival("factors of every batch", (1.0 - eta) ** (2 * length)),
    )
    noisy = factors.one_truth(trial, FLOOR_REPLICATES, noise_std=FLOOR_NOISE)
    heads, schurs = factors.spectra(trial)
    unit = FLOOR_NOISE**2 * (1.0 / heads).sum() * (1.0 / schurs).sum()
    measured = factors.settled_squares(
        trial, method, noisy, rows=rows, warm=warm, steps=FLOOR_STEPS, name="old average"
    )
    predicted = trial.number("average_floor", batch_size=rows, step_size=eta)
    renewed = eta / (2.0 - eta) / (rows - d - 1)
    yield Near(
        part="average_floor",
        samples=measured / unit,
        predicted=predicted,
        tolerance=(order + SAMPLED).times(predicted, "of it"),
        rival=Rival("factors of every batch", renewed) if renewed > 1.3 * predicted else None,
    )
