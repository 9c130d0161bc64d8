"""LR-31: cycles of steps on one factor, a step on a given factor, and the tail of a cycle."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl.optim.kfac import kfac
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.simulate import simulate
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import edges
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import input_factor as factors
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.all_batches.cycles import exact_cycles
from lpfl.verify.setups.linear.stale.growing import growing
from lpfl.verify.setups.linear.stale.old_average import old_average
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size, judgement, rounding
from lpfl.verify.trial import Trial, as_numpy, default_facts
from theory.linear_representation.variants.factors.stale_cycle import stale_cycle

Array = NDArray[np.float64]

CYCLE = judgement(0.04, "of the step, below a third of what the old factor adds to it")
APART = judgement(0.4, "of the distance to the nearest rival; the rest is for the interval")
CYCLE_HALF_WIDTH = 0.022
GIVEN = judgement(0.05, "of the step on a given factor; n - k - 1 for n - k is as far at 20 rows")
GIVEN_REPLICATES = 6000
FLOOR_REPLICATES, FIRST_CYCLE, LAST_CYCLE = 24_000, 2, 4
LONG_REPLICATES = 14_000
FLOOR_NOISE = 1e-4  # the floor is linear in its square as long as the tangents are small
TAIL_REPLICATES = 80_000
TAIL_SHARE = 0.05  # the largest runs, which count as the tail: 6.5 standard errors are 0.1
TAIL = finite_size(0.18, "what is left of the body bends the exponent by up to 0.06, measured")
# Sizes of the tangents by steps of a cycle, between two bounds for an eigenvalue w of the inverse
# factor: rounding grows to 1e-16 w, the tangents to w^(K - 1) times their size.
TINY = {2: 1e-8, 3: 1e-10}


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Facts of the cycles; the tail has rows of its own, which its run admits."""
    return default_facts(scenario)


@check(
    "LR-31",
    (
        Integers("input_dim", 4, 6),
        Integers("rank", 1, 2),
        setup.OUTPUT_DIM,
        Integers("batch_size", lambda v: v["input_dim"] + 16, lambda v: v["input_dim"] + 28),
        Integers("spare_rows", 0, 1),
        Integers("factor_every", 2, lambda v: 2 + v["spare_rows"]),
        Covariances(max_log10_cond=1.0),
        Reals("head_log10_cond", 0.0, 0.5),
        Reals("step_size", 0.15, 0.35),
        Integers("long_cycle", 3, 4),
        Reals("long_step_size", 0.4, 0.5),
        Choice("input_law", ("gaussian",)),
    ),
    decisions=13,
    facts=facts,
)
def stale_factor(trial: Trial) -> Iterator[Comparison]:
    """Noise-free steps from known tangents."""
    trial.admit(input_law="gaussian")
    yield from cycles(trial)
    yield from exact_cycles(trial)
    yield from given_factor(trial)
    yield from growing(trial)
    eta = trial.step_size
    renewed = Rival("factors of every batch", floor_of_renewed(trial.batch_size, trial, eta))
    samples = at_end_of_cycles(trial, trial.batch_size, 2, eta, trial.number("cycle_square"))
    predicted = trial.number("cycle_floor")
    yield floor_near("cycle_floor", samples, predicted, renewed)
    yield from long_cycle(trial)
    yield edges.of_stale_cycle("floor_of_cycle")
    yield from old_average(trial)
    yield tail(trial)


def cycles(trial: Trial) -> Iterator[Comparison]:
    """Two and three steps on the factor of the first."""
    eta, (k, p) = trial.step_size, factors.shape(trial)
    size = min(k, p)
    spread2 = 8.0 / (trial.batch_size * size)  # two steps of variance 2/(n k), and inverses
    problem = factors.one_truth(trial, floors.replicates_for(spread2, CYCLE_HALF_WIDTH))
    start = factors.orthonormal(trial, problem.head_star.shape[0], k, p, "tangents")
    path = factors.chain(
        trial,
        kfac(step_size=eta, factor_every=3),
        problem,
        start,
        rows=trial.batch_size,
        warm=0,
        steps=3,
        name="cycle",
    )
    first = factors.inner(start, path[1]) / size
    yield Same(
        part="cycle_of_two",
        label="its first step",
        measured=first,
        predicted=1.0 - eta,
        tolerance=rounding(trial.dtype, dim=100, condition=1e3).times(
            1.0 / factors.smallness(trial.dtype), "over the size of the tangents"
        )
        + finite_size(10.0 * factors.smallness(trial.dtype), "quadratic in the tangents"),
    )
    predicted, squared_mean = trial.number("cycle_square"), trial.number("cycle_of_two") ** 2
    yield Near(
        part="cycle_square",
        samples=factors.inner(path[2], path[2]) / size,
        predicted=predicted,
        tolerance=apart(predicted, squared_mean),
        rival=Rival("the square of the mean", squared_mean),
    )
    for part, steps in (("cycle_of_two", 2), ("cycle_of_three", 3)):
        yield Near(
            part=part,
            samples=factors.inner(start, path[steps]) / size,
            predicted=trial.number(part),
            tolerance=CYCLE.times(eta, "times the step size"),
            rival=Rival("factors of every batch", (1.0 - eta) ** steps),
        )


def apart(predicted: float, rival: float) -> Tolerance:
    """Return a share of the distance to the rival, at least that of 1 % of the rival."""
    distance = max(abs(predicted - rival), 0.01 * abs(rival))
    return APART.times(distance, "times that distance")


def floor_of_renewed(rows: int, trial: Trial, eta: float) -> float:
    """Return the relative floor of factors that every batch renews."""
    return float(eta / (2.0 - eta) / (rows - trial.input_dim - 1))


def at_end_of_cycles(trial: Trial, rows: int, length: int, eta: float, kept: float) -> Array:
    """Return |T|^2 in units of the floor, the mean over the ends of some cycles from the truth.

    kept: the mean-square multiplier of a cycle; c cycles gather 1 - kept^c of the floor.
    """
    problem = factors.one_truth(trial, FLOOR_REPLICATES, noise_std=FLOOR_NOISE)
    heads, schurs = factors.spectra(trial)
    unit = FLOOR_NOISE**2 * (1.0 / heads).sum() * (1.0 / schurs).sum()
    method = kfac(step_size=eta, factor_every=length)
    stream = trial.stream("cycles from the truth", length)
    _, seen = simulate(
        method,
        model.Weights(problem.head_star, problem.representation_star),
        lambda t: sample_moments(problem, rows, stream),
        num_steps=length * LAST_CYCLE,
        observe={"squares": floors.squared_tangents(problem)},
    )
    cycles = np.arange(FIRST_CYCLE, LAST_CYCLE + 1)
    ends = as_numpy(seen["squares"])[cycles * length]
    return np.asarray((ends / (1.0 - kept**cycles)[:, None]).mean(0) / unit)


def floor_near(part: str, samples: Array, predicted: float, rival: Rival) -> Near:
    """Compare the mean with the predicted floor, closer than to the rival."""
    near = apart(predicted, rival.value)
    return Near(part=part, samples=samples, predicted=predicted, tolerance=near, rival=rival)


def long_cycle(trial: Trial) -> Iterator[Comparison]:
    """A cycle of three or four steps, with rows for its fourth moments; its floor at larger steps.

    At larger steps the mean square is that of a few runs.
    """
    length = trial.long_cycle
    rows = trial.input_dim + 8 * (length + 1) + 4 * trial.spare_rows
    sizes = {"n": rows, "d": trial.input_dim, "k": trial.rank}
    trial.admit(batch_size=rows, factor_every=length)
    eta, (k, p) = trial.step_size, factors.shape(trial)
    problem = factors.one_truth(trial, LONG_REPLICATES)
    start = factors.orthonormal(trial, problem.head_star.shape[0], k, p, "long tangents")
    method = kfac(step_size=eta, factor_every=length)
    steps: dict[str, Any] = {"rows": rows, "warm": 0, "steps": length, "name": "long cycle"}
    path = factors.chain(trial, method, problem, start, **steps)
    effective = eta * (rows - k) / (rows - trial.input_dim - 1)
    squared_mean = (1.0 - eta) ** 2 * (1.0 - effective) ** (2 * length - 2)
    kept = stale_cycle(length, step_size=eta, **sizes).cycle_kept
    predicted = trial.number("square_of_cycle", cycle_kept=kept)
    yield Near(
        part="square_of_cycle",
        samples=factors.inner(path[-1], path[-1]) / min(k, p),
        predicted=predicted,
        tolerance=apart(predicted, squared_mean),
        rival=Rival("independent steps without spread", squared_mean),
    )
    eta = trial.long_step_size
    trial.admit(batch_size=rows, step_size=eta, factor_every=length)
    cycle = stale_cycle(length, step_size=eta, **sizes)._asdict()
    kept = trial.number("square_of_cycle", step_size=eta, cycle_kept=cycle["cycle_kept"])
    samples = at_end_of_cycles(trial, rows, length, eta, kept)
    predicted = trial.number("floor_of_cycle", step_size=eta, **cycle)
    renewed = Rival("factors of every batch", floor_of_renewed(rows, trial, eta))
    yield floor_near("floor_of_cycle", samples, predicted, renewed)


def given_factor(trial: Trial) -> Iterator[Comparison]:
    """One step on fresh batches with one old factor, along its largest eigenvalue."""
    eta, (k, p) = trial.step_size, factors.shape(trial)
    one = factors.single_truth(trial)
    frame = factors.Frame.of(one)
    old = sample_moments(one, trial.batch_size, trial.stream("old factor"))
    method = kfac(step_size=eta, factor_every=2)
    at_rest = model.Weights(one.head_star, one.representation_star)
    _, memory = method.step(at_rest, method.init(at_rest), old)
    B, C = one.complement[0], frame.complement_root
    whitened = C.mT @ B @ torch.linalg.inv(old.cov_x[0]) @ B.mT @ C
    values, vectors = torch.linalg.eigh(whitened)
    largest, direction = float(values[-1]), vectors[:, -1]
    problem = factors.one_truth(trial, GIVEN_REPLICATES)
    count = problem.head_star.shape[0]
    rows = torch.ones(k, 1, dtype=trial.dtype, device=C.device) / k**0.5
    start = (rows * direction).expand(count, k, p)
    weights = factors.at_truth(problem, frame.tangents(start))
    batch = sample_moments(problem, trial.batch_size, trial.stream("fresh batches"))
    after, _ = method.step(weights, memory, batch)
    moved = factors.tangents_of(problem, after) @ C
    lost = factors.inner(start, start - moved) / eta
    yield Near(
        part="stale_multiplier",
        samples=1.0 - eta * lost,
        predicted=trial.number("stale_multiplier", stale_eigenvalue=largest),
        tolerance=GIVEN.times(eta * largest, "times the step size and the eigenvalue"),
        rival=Rival("a factor of the batch", 1.0 - eta) if largest > 1.2 else None,
    )
    predicted = trial.number("stale_stability", stale_eigenvalue=largest)
    yield Near(
        part="stale_stability",
        samples=2.0 / lost.mean() - 2.0 / lost.mean() ** 2 * (lost - lost.mean()),
        predicted=predicted,
        tolerance=GIVEN.times(predicted, "of the largest stable step"),
        rival=Rival("a factor of the batch", 2.0) if largest > 1.2 else None,
    )


def tail(trial: Trial) -> Comparison:
    """Few rows: the mean log excess over a high quantile of |T| is one over the exponent."""
    # More digits than single precision has: see TINY.
    trial = replace(trial, dtype=torch.float64, memory={})
    steps, rows = trial.factor_every, trial.input_dim + trial.spare_rows
    trial.admit(batch_size=rows)
    problem = factors.one_truth(trial, TAIL_REPLICATES)
    k, p = factors.shape(trial)
    start = factors.orthonormal(trial, problem.head_star.shape[0], k, p, "tail tangents")
    path = factors.chain(
        trial,
        kfac(step_size=trial.step_size, factor_every=steps),
        problem,
        start,
        rows=rows,
        warm=0,
        steps=steps,
        name="tail",
        small=TINY[steps],
    )
    sizes = np.sort(factors.inner(path[-1], path[-1]))[::-1] ** 0.5
    count = int(TAIL_SHARE * sizes.size)
    excess = np.log(sizes[:count] / sizes[count])
    exponent = 1.0 / excess.mean()
    predicted = trial.number("tail", batch_size=rows)
    return Near(
        part="tail",
        samples=exponent - exponent**2 * (excess - excess.mean()),
        predicted=predicted,
        tolerance=TAIL.times(predicted, "relative to the exponent"),
        rival=Rival("a factor in all K_f steps", predicted * (steps - 1) / steps),
    )
