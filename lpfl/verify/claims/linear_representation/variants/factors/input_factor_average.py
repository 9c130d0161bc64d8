"""LR-30: chains of tangents, and their stationary squares, with averaged input factors."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim.kfac import kfac
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import input_factor as factors
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import finite_size, judgement
from lpfl.verify.trial import Trial, default_facts
from theory.linear_representation import factor_floor, factor_multiplier

INCLUDED = "included"
BATCHES = (INCLUDED, "excluded")
HALF_WIDTH = 0.03
STEP_HALF_WIDTH = 0.012
SQUARES_REPLICATES = 3000  # a mean square of at least 3 entries to a tenth, 6.5 standard errors
FORGOTTEN = 0.02  # share of an average that is older than the run so far
LEFT = 1e-3
INDEPENDENT = 4.0
LAST_STEPS = 4


def own(decay: float, current: str) -> Scenario:
    """Return a scenario of a given memory."""
    sizes = {"input_dim": 5, "rank": 2, "output_dim": 4, "batch_size": 24}
    fields = {"step_size": 0.6, "factor_decay": decay, "current_batch": current}
    rest = {"head_log10_cond": 0.2, "noise_std": 0.001, "input_law": "gaussian"}
    covariance = CovarianceSpec(5, "geometric", 0.5, "haar", 0)
    return Scenario({**sizes, **fields, **rest, "covariance": covariance})


LONG_MEMORY = own(0.8, "excluded")
FOREVER = 1.0 - 1e-12  # decay of an average over all batches
ENDS = judgement(0.045, "the draws: k for 2k, or no k, is 8 % or more away")


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Add the weight of the current batch."""
    return {**default_facts(scenario), "current_share": current_share(scenario)}


def current_share(scenario: Mapping[str, Any]) -> float:
    """Return 1 - decay if the average includes the batch of the step, else 0."""
    included = scenario["current_batch"] == INCLUDED
    return 1.0 - float(scenario["factor_decay"]) if included else 0.0


def averaged(trial: Trial) -> dict[str, Any]:
    """Return sizes and memory under the names of the public functions."""
    included = trial.current_batch == INCLUDED
    decay = float(trial.factor_decay)
    return {**factors.sizes_of(trial), "decay": decay, "includes_current": included}


def first_order(trial: Trial) -> float:
    """Return the small number of the expansion of a step: (d + 1)/n."""
    return float((trial.input_dim + 1) / trial.batch_size)


def memory_share(trial: Trial) -> float:
    """Return the sum of the squared weights of the average: how far it is from the population."""
    return float((1.0 - trial.factor_decay) / (1.0 + trial.factor_decay))


@check(
    "LR-30",
    (
        Integers("input_dim", 4, 6),
        Integers("rank", 1, 2),
        setup.OUTPUT_DIM,
        Integers("batch_size", lambda v: 5 * v["input_dim"], lambda v: 8 * v["input_dim"]),
        Covariances(max_log10_cond=1.0),
        Reals("head_log10_cond", 0.0, 0.5),
        Reals("step_size", 0.5, 0.8),
        Reals("factor_decay", 0.4, 0.7),
        Choice("current_batch", BATCHES),
        Reals("noise_std", 0.001, 0.01, log=True),
        Choice("input_law", ("gaussian",)),
    ),
    anchors=(LONG_MEMORY,),
    decisions=5,
    facts=facts,
)
def averaged_factor(trial: Trial) -> Iterator[Comparison]:
    """A chain from known tangents once the average is old; squares in the long run."""
    trial.admit(**facts(trial.scenario))
    yield from chain(trial)
    yield stationary(trial)


def chain(trial: Trial) -> Iterator[Comparison]:
    """Noise-free: the first step from tangents the memory knows nothing of, then its last ones."""
    eta, (k, p) = trial.step_size / 2.0, factors.shape(trial)
    size = min(k, p)
    warm = steps_to(trial.factor_decay, FORGOTTEN)
    directions = trial.batch_size * size
    replicates = floors.replicates_for(2.0 / directions / LAST_STEPS, STEP_HALF_WIDTH)
    problem = factors.one_truth(trial, max(replicates, SQUARES_REPLICATES))
    start = factors.orthonormal(trial, problem.head_star.shape[0], k, p, "tangents")
    method = kfac(
        step_size=eta,
        averaging=trial.factor_decay,
        includes_current=trial.current_batch == INCLUDED,
    )
    path = factors.chain(
        trial,
        method,
        problem,
        start,
        rows=trial.batch_size,
        warm=warm,
        steps=warm + LAST_STEPS,
        name="average",
    )
    missed = path[1] - (1.0 - eta) * path[0]
    known = {"step_size": eta, "current_share": current_share(trial.scenario)}
    signature = trial.number("signature", **known)
    q = memory_share(trial)
    included = trial.current_batch == INCLUDED
    largest = 1.0 if included else 4.0 * (1.0 + q)
    order = finite_size(
        largest * q * first_order(trial),
        "next order over eta^2 (p + 1)/n: q (d + 1)/n with the batch, 4 q (1 + q) (d + 1)/n "
        "without it; largest measured: 0.6 and 2.9",
    )
    yield Near(
        part="signature",
        samples=factors.inner(missed, missed) / size,
        predicted=signature,
        tolerance=order.times(eta**2 * (p + 1) / trial.batch_size, "times eta^2 (p + 1)/n")
        + judgement(0.1 * signature, "a tenth of the mean square for the draws"),
        rival=Rival("the factor of the same batch", 0.0),
    )
    along = np.stack([factors.inner(start, T) / size for T in path[warm:]])
    weights = (1.0 - eta) ** -np.arange(len(along) - 1.0)
    multiplier = factor_multiplier("average", step_size=eta, **averaged(trial))
    rate = finite_size(
        0.015 + 2.0 * memory_share(trial) * first_order(trial) ** 2,
        "next order of the step: at most 1.5 q ((d + 1)/n)^2, measured; 0.015 for the draws",
    )
    yield Near(
        part="multiplier",
        samples=factors.ratio(weights @ along[1:], weights @ along[:-1]),
        predicted=multiplier,
        tolerance=rate.times(eta, "of the step size"),
    )


def stationary(trial: Trial) -> Comparison:
    """Squares of tangents in the long run, from the truth and an empty memory."""
    eta, decay = trial.step_size, trial.factor_decay
    multiplier = (1.0 - eta) ** 2
    burn_in, num_steps = factors.steps_of(multiplier, left=LEFT, independent=INDEPENDENT)
    burn_in = max(burn_in, steps_to(decay, FORGOTTEN))
    effective = num_steps * (1.0 - multiplier) / (1.0 + multiplier)
    replicates = floors.replicates_for(factors.spread2(trial) / effective, HALF_WIDTH)
    problem = factors.one_truth(trial, replicates, noise_std=trial.noise_std)
    squares = floors.stationary_squares(
        trial,
        kfac(
            step_size=eta,
            averaging=decay,
            includes_current=trial.current_batch == INCLUDED,
        ),
        problem,
        name="average",
        batch_size=trial.batch_size,
        burn_in=burn_in,
        num_steps=num_steps,
    )
    relative = finite_size(
        0.035 + 0.5 * first_order(trial) ** 2,
        "next order: at most 0.4 ((d + 1)/n)^2 of the floor, measured; the rest for the draws",
    )
    unit = factors.unit(trial)
    predicted = factor_floor("average", step_size=eta, **averaged(trial)) * unit
    others = [
        Rival(f"an average with the batch {name}", unit * trial.number("floor", current_share=w))
        for name, w in (("included", 1.0 - decay), ("excluded", 0.0))
        if name != trial.current_batch
    ]
    far = abs(others[0].value / predicted - 1.0) > relative.value + 1.5 * HALF_WIDTH
    return Near(
        part="floor",
        samples=squares,
        predicted=predicted,
        tolerance=relative.times(predicted, "relative to the floor"),
        rival=others[0] if far else None,
    )


@averaged_factor.extra("ends", on=[LONG_MEMORY])
def exact_ends(trial: Trial) -> Iterator[Comparison]:
    """The floors without memory and with the exact covariance, where nothing is expanded."""
    eta, n, d, k = trial.step_size, trial.batch_size, trial.input_dim, trial.rank
    gained = eta * (d + 1 - 2 * k) / (2.0 - eta)
    ends: tuple[tuple[str, dict[str, Any], float, bool, float], ...] = (
        ("no memory", {"averaging": 0.0}, 0.0, True, n - d - 1 + k),
        ("every batch", {"input_factor": "separate"}, FOREVER, False, n - gained - k),
    )
    multiplier = (1.0 - eta) ** 2
    burn_in, num_steps = factors.steps_of(multiplier, left=LEFT, independent=INDEPENDENT)
    replicates = floors.replicates_for(factors.spread2(trial) / INDEPENDENT, HALF_WIDTH)
    problem = factors.one_truth(trial, replicates, noise_std=trial.noise_std)
    for label, options, decay, included, rows in ends:
        memory: dict[str, Any] = {"decay": decay, "includes_current": included}
        stated = factor_floor("average", step_size=eta, **factors.sizes_of(trial), **memory)
        squares = floors.stationary_squares(
            trial,
            kfac(step_size=eta, **options),
            problem,
            name=label,
            batch_size=n,
            burn_in=burn_in,
            num_steps=num_steps,
            second=factors.population(problem),
        )
        predicted = stated * factors.unit(trial)
        other = eta / (2.0 - eta) / rows * factors.unit(trial)
        yield Near(
            part="floor",
            samples=squares,
            predicted=predicted,
            tolerance=ENDS.times(predicted, "relative to the floor"),
            rival=Rival("k rows more, or fewer", other),
            label=label,
        )


def steps_to(decay: float, left: float) -> int:
    """Return after how many steps an average has forgotten all but ``left``."""
    return 1 if decay <= left else math.ceil(math.log(left) / math.log(decay))
