"""LR-29: single steps and stationary states with factors of the population and of other batches."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim.core.method import Method
from lpfl.optim.kfac import kfac
from lpfl.optim.kfac.joint import kfac_joint
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Ordered, Rival, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import input_factor as factors
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.all_batches.factors import exact_factors
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import judgement, rounding
from lpfl.verify.trial import Trial
from theory.linear_representation import factor_floor, factor_multiplier

STEP = judgement(0.03, "of the step, below half of what k of n rows do to it")
SQUARES = judgement(0.08, "of a mean square, below half of what an inverse batch covariance does")
HALF_WIDTH = 0.06
STEP_HALF_WIDTH = 0.02
LEFT = 0.01  # of the floor, missing when an average begins
INDEPENDENT = 4.0
NO_SLACK = judgement(0.0, "the ordering is strict")


def few(input_dim: int, rank: int, rows: int) -> Scenario:
    """Return a scenario with few rows; below d + 2 the factor of the same batch has no floor."""
    sizes = {"input_dim": input_dim, "rank": rank, "output_dim": 3, "batch_size": rows}
    steps = {"step_size": 0.6, "head_step_size": 0.3, "factor_rows": 40}
    fields = {"head_log10_cond": 0.2, "noise_std": 0.001, "input_law": "gaussian"}
    covariance = CovarianceSpec(input_dim, "geometric", 0.5, "haar", 0)
    return Scenario({**sizes, **steps, **fields, "covariance": covariance})


ONE_DIRECTION = few(4, 1, 12)
FEWER_ROWS = few(8, 2, 6)


@check(
    "LR-29",
    (
        Integers("input_dim", 5, 8),
        Integers("rank", 2, 3),
        setup.OUTPUT_DIM,
        Integers("batch_size", lambda v: 2 * v["input_dim"] + 4, lambda v: 3 * v["input_dim"] + 4),
        Integers("factor_rows", lambda v: 3 * v["input_dim"] + 10, 60),
        Covariances(max_log10_cond=1.0),
        Reals("head_log10_cond", 0.0, 0.5),
        Reals("step_size", 0.4, 0.7),
        Reals("head_step_size", 0.2, 0.5),
        Reals("noise_std", 0.001, 0.01, log=True),
        Choice("input_law", ("gaussian",)),
    ),
    anchors=(ONE_DIRECTION, FEWER_ROWS),
    decisions=16,
)
def input_factor(trial: Trial) -> Iterator[Comparison]:
    """Whitened tangents after one step from a known start; squares of tangents in the long run."""
    enough = trial.batch_size > trial.input_dim + 1
    yield from population_steps(trial)
    wide = trial.scenario == ONE_DIRECTION
    yield from exact_factors(trial, half_step(trial), wide=wide)
    yield from joint_steps(trial)
    if enough:
        yield from independent_steps(trial)
        yield from compared_floors(trial)
    else:
        squares, predicted = population_floor(trial)
        yield floor(trial, "floor", squares, predicted, Rival("no loss by n < d", predicted * 2))


def half_step(trial: Trial) -> float:
    """Return half the step size, for runs whose mean square is less stable."""
    return float(trial.step_size) / 2.0


def population_steps(trial: Trial) -> Iterator[Comparison]:
    """One noise-free step with the factor of the population."""
    eta, (k, p) = trial.step_size, factors.shape(trial)
    before, after = stepped(trial, kfac(step_size=eta, input_factor="separate"), "population")
    size = min(k, p)
    yield Near(
        part="multiplier",
        samples=factors.inner(before, after) / size,
        predicted=factor_multiplier("population", step_size=eta, **factors.sizes_of(trial)),
        tolerance=STEP.times(eta, "times the step size"),
        rival=Rival("the factor of the same batch", 1.0 - eta),
    )
    lost = factors.inner(before, (before - after) / eta) / size
    squares = factors.inner(before - after, before - after) / (size * eta**2)
    yield Near(
        part="mean_square",
        samples=factors.inner(after, after) / size,
        predicted=trial.number("mean_square"),
        tolerance=STEP.times(eta, "times the step size"),
        rival=Rival("the factor of the same batch", (1.0 - eta) ** 2),
    )
    for part, samples in (
        ("best_step", factors.ratio(lost, squares)),
        ("stability", factors.ratio(2.0 * lost, squares)),
        ("no_one_step_solution", factors.left_over(lost, squares)),
    ):
        predicted = trial.number(part)
        scale = predicted if part != "no_one_step_solution" else 1.0
        yield Near(
            part=part,
            samples=samples,
            predicted=predicted,
            tolerance=STEP.times(2.0 * scale, "twice, as a square enters"),
        )


def independent_steps(trial: Trial) -> Iterator[Comparison]:
    """One noise-free step with the factor of another batch."""
    eta, (k, p) = half_step(trial), factors.shape(trial)
    before, after = stepped(trial, kfac(step_size=eta, input_factor="separate"), "independent")
    lost = factors.inner(before, (before - after) / eta) / min(k, p)
    squares = factors.inner(before - after, before - after) / (min(k, p) * eta**2)
    rows, sizes = int(trial.factor_rows), factors.sizes_of(trial)
    yield Near(
        part="independent_multiplier",
        samples=1.0 - eta * lost,
        predicted=factor_multiplier("independent", step_size=eta, factor_rows=rows, **sizes),
        tolerance=STEP.times(2.0 * eta, "times the step size; inverses have heavier tails"),
        rival=Rival("the population", trial.number("multiplier", step_size=eta)),
    )
    predicted = trial.number("independent_stability")
    yield Near(
        part="independent_stability",
        samples=factors.ratio(2.0 * lost, squares),
        predicted=predicted,
        tolerance=STEP.times(3.0 * predicted, "of the bound; inverses have heavier tails"),
        rival=Rival("the population", trial.number("stability")),
    )


def joint_steps(trial: Trial) -> Iterator[Comparison]:
    """One noise-free step of both layers: from an error of the head alone, and from both."""
    eta, eta_F, (k, p) = half_step(trial), float(trial.head_step_size), factors.shape(trial)
    n, gains = trial.batch_size, trial.claim["joint_gain"]
    problem = factors.one_truth(trial, step_replicates(trial))
    count = problem.head_star.shape[0]
    u = factors.orthonormal(trial, count, k, k, "head error")
    nothing = torch.zeros(count, k, p, dtype=trial.dtype, device=trial.device)
    steps: dict[str, Any] = {"step_size": eta, "head_step_size": eta_F}
    method, sizes = kfac_joint(**steps, input_factor="separate"), factors.sizes_of(trial)
    second = factors.population(problem)
    after = factors.one_step(
        trial, method, problem, nothing, rows=n, name="cross talk", head_error=u, second=second
    )
    talk = trial.number("cross_talk", step_size=eta)
    yield Near(
        part="cross_talk",
        samples=factors.inner(after, after) / k,
        predicted=talk,
        tolerance=SQUARES.times(talk, "relative to the cross-talk"),
        rival=Rival("the same batch", 0.0),
    )
    if n >= trial.input_dim:
        after = factors.one_step(
            trial, kfac_joint(**steps), problem, nothing, rows=n, name="same batch", head_error=u
        )
        yield Same(
            part="no_cross_talk",
            measured=np.sqrt(factors.inner(after, after)),
            predicted=trial.number("no_cross_talk"),
            scale=np.sqrt(k * talk),
            tolerance=rounding(trial.dtype, dim=100, condition=1e3).times(
                1.0 / factors.smallness(trial.dtype), "over the size of the tangents"
            ),
        )
    # A start whose mean squares the recursion multiplies by known numbers: variances g_T and g_u.
    g_T, g_u = (step / (n * (2.0 - step) - step) for step in (eta, eta + eta_F))
    stream = trial.stream("start of both")
    T = torch.randn(count, k, p, generator=stream, dtype=trial.dtype, device=stream.device)
    u = torch.randn(count, k, k, generator=stream, dtype=trial.dtype, device=stream.device)
    T, u = g_T**0.5 * T, g_u**0.5 * u
    after = factors.one_step(
        trial, method, problem, T, rows=n, name="both", head_error=u, second=second
    )
    squares = factors.inner(T, T)
    yield Near(
        part="joint_multiplier",
        samples=factors.ratio(factors.inner(T, after), squares),
        predicted=factor_multiplier("population", head="joint", **steps, **sizes),
        tolerance=STEP.times(2.0 * eta, "times the step size"),
        rival=Rival("a refitted head", 1.0 - eta * (n - k) / n) if k > 0.2 * n else None,
    )
    # E|T+|^2 - E|T|^2 = (gain - 1) eta^2 k p / n from that start; E|T|^2 = g_T k p is known.
    growth = factors.inner(after, after) - squares
    yield Near(
        part="joint_gain",
        samples=1.0 + n * growth / (eta**2 * k * p),
        predicted=gains.number(**steps, batch_size=n, rank=k, input_dim=trial.input_dim),
        tolerance=judgement(0.08, "of a gain: far below the distance to an unstable one"),
        rival=Rival("an unstable recursion", 1.0),
    )


def stepped(trial: Trial, method: Method, source: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return whitened tangents before and after a noise-free step."""
    problem = factors.one_truth(trial, step_replicates(trial))
    before = factors.orthonormal(
        trial, problem.head_star.shape[0], *factors.shape(trial), "tangents"
    )
    second = (
        factors.population(problem)
        if source == "population"
        else factors.another(problem, trial.factor_rows)
    )
    rows = trial.batch_size
    after = factors.one_step(trial, method, problem, before, rows=rows, name=source, second=second)
    return before, after


def step_replicates(trial: Trial) -> int:
    """Return the replicates that give a step the planned half-width: its variance is 2/(n k)."""
    directions = trial.batch_size * min(factors.shape(trial))
    return floors.replicates_for(2.0 / directions, STEP_HALF_WIDTH)


def compared_floors(trial: Trial) -> Iterator[Comparison]:
    """The floors of all factors, and that the population's lies below that of the same batch."""
    eta, half, unit = trial.step_size, half_step(trial), factors.unit(trial)
    sizes = factors.sizes_of(trial)
    low, predicted = population_floor(trial)
    same = factor_floor("same_batch", step_size=eta, **sizes) * unit
    yield floor(trial, "floor", low, predicted, Rival("the same batch", same))
    high = settled(trial, kfac(step_size=eta), "same batch", (1.0 - eta) ** 2)
    yield floor(trial, "same_batch_floor", high, same, Rival("the population", predicted))
    count = min(low.size, high.size)
    yield Ordered(part="price", better=high[:count], worse=low[:count], slack=NO_SLACK)
    head_step, other = float(trial.head_step_size), {"factor_rows": int(trial.factor_rows)}
    alike = trial.number("floor", step_size=half) * unit
    joint = {"head": "joint", "head_step_size": head_step}
    alone = kfac(step_size=half, input_factor="separate")
    both = kfac_joint(step_size=half, head_step_size=head_step, input_factor="separate")
    cases: tuple[tuple[str, Method, str, dict[str, Any]], ...] = (
        ("independent_floor", alone, "independent", other),
        ("joint_floor", both, "population, joint head", joint),
        ("independent_joint_floor", both, "independent, joint head", joint | other),
    )
    for part, method, name, options in cases:
        source = name.split(",")[0]
        predicted = factor_floor(source, step_size=half, **sizes, **options) * unit
        squares = settled(trial, method, name, (1.0 - half) ** 2)
        rival = Rival("the population, head refitted", alike)
        far = abs(alike / predicted - 1.0) > 2.5 * SQUARES.value
        yield floor(trial, part, squares, predicted, rival if far else None)


def population_floor(trial: Trial) -> tuple[factors.Array, float]:
    """Return squares in the long run with the factor of the population, and their prediction."""
    method = kfac(step_size=trial.step_size, input_factor="separate")
    squares = settled(trial, method, "population", trial.number("mean_square"))
    stated = factor_floor("population", step_size=trial.step_size, **factors.sizes_of(trial))
    return squares, stated * factors.unit(trial)


def settled(trial: Trial, method: Method, name: str, multiplier: float) -> factors.Array:
    """Return time averages of |T|^2, one a replicate; multiplier: of its mean square per step."""
    burn_in, num_steps = factors.steps_of(multiplier, left=LEFT, independent=INDEPENDENT)
    effective = num_steps * (1.0 - multiplier) / (1.0 + multiplier)
    tails = 1.5 if name.startswith("independent") else 1.0  # two inverse matrices
    replicates = floors.replicates_for(tails * factors.spread2(trial) / effective, HALF_WIDTH)
    problem = factors.one_truth(trial, replicates, noise_std=trial.noise_std)
    second = factors.population(problem)
    if name.startswith("independent"):
        second = factors.another(problem, trial.factor_rows)
    return floors.stationary_squares(
        trial,
        method,
        problem,
        name=name,
        batch_size=trial.batch_size,
        burn_in=burn_in,
        num_steps=num_steps,
        second=second,
    )


def floor(
    trial: Trial, part: str, squares: factors.Array, predicted: float, rival: Rival | None
) -> Comparison:
    """Compare squares in the long run with a floor."""
    return Near(
        part=part,
        samples=squares,
        predicted=predicted,
        tolerance=SQUARES.times(predicted, "relative to the floor"),
        rival=rival,
    )
