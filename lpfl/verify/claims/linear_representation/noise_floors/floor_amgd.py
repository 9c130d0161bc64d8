"""LR-16: the noise floor of AMGD, small batches (Wishart recursion) and large ones."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import amgd
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Rival
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, judgement
from lpfl.verify.trial import Trial, as_numpy, default_facts
from theory.linear_representation import tangent_floor
from theory.linear_representation.noise_floors.floor_amgd import stationary_variance

RELATIVE = judgement(
    0.12, "1 % for the next order in noise_std^2/n, the rest far below noise amplified like KFAC's"
)
HALF_WIDTH = 0.11  # the spread below is an upper estimate
SHARP = judgement(0.06, "half of the distance to the nearest rival among the anchors")
SHARP_HALF_WIDTH = 0.055
SHARPEST = judgement(0.03, "a quarter of what one degree of freedom does to a batch of 8 rows")
SHARPEST_HALF_WIDTH = 0.018
NEAR_RIVAL = 0.25  # relative distance below which a comparison is the sharp one
MANY_ROWS = 10**5
BURN_IN = 3.0  # times of the slowest direction, which then lacks e^-6 of its variance
WINDOW, LONG_WINDOW = 1.5, 6.0  # such times to average over; the long one where runs are many


# Beyond the step 1 of the bound below, fourth moments come close to their own limit: judgement, the
# spread of time averages was 1.35 times the estimate at (d, n, fraction) = (8, 8, 2), and the upper
# end of a skewed interval twice as far from the mean as the lower one.
HEAVY_TAILS = (1.35 * 2.0) ** 2
LARGE_FRACTION = 1.8  # of the step 1/(largest eigenvalues), 2 of which are unstable


def small(input_dim: int, rows: int, spread: float, *, stable_fraction: float) -> Scenario:
    """Return a scenario of few rows, rank 2; ``spread``: log10 of the condition of Sigma."""
    sizes = {"input_dim": input_dim, "rank": 2, "output_dim": 4, "batch_size": rows}
    fields = {"head_log10_cond": 0.1, "noise_std": 0.001, "input_law": "gaussian"}
    covariance = CovarianceSpec(input_dim, "geometric", spread, "haar", 0)
    if spread == 0.0:
        covariance = CovarianceSpec(input_dim, "identity")
    return Scenario(
        {**sizes, **fields, "covariance": covariance, "stable_fraction": stable_fraction}
    )


SMALL_BATCH = small(12, 14, 0.0, stable_fraction=0.75)
FEWEST_ROWS = small(8, 8, 1.0, stable_fraction=2.0)


def step_size(scenario: Mapping[str, Any]) -> float:
    """Return a fraction of a step at which the mean square is stable for Gaussian batches.

    1 / (largest eigenvalue + trace / n): a bound of the kind known from least mean squares.
    """
    spectrum = scenario["covariance"].spectrum()
    largest = spectrum[0] + spectrum.sum() / scenario["batch_size"]
    return float(scenario["stable_fraction"] / largest)


def large_step(scenario: Mapping[str, Any]) -> float:
    """Return a step for many rows, at which the head eigenvalues show in the floor.

    The largest eigenvalue of F*'F* is 1, that of Sigma bounds that of Sigma_s.
    """
    share = min(scenario["stable_fraction"], 1.0)
    return float(LARGE_FRACTION * share / scenario["covariance"].spectrum()[0])


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Add the largest eigenvalues; that of Sigma bounds that of its Schur complement."""
    return {
        **default_facts(scenario),
        "head_eigenvalue": 1.0,
        "schur_eigenvalue": float(scenario.covariance.spectrum()[0]),
        "step_size": step_size(scenario),
    }


def stated_schur_spectrum(trial: Trial, problem: model.LinearRepresentation) -> NDArray[np.float64]:
    """Return the eigenvalues of Sigma_s by the definition of the claim."""
    values = {"B": as_numpy(problem.complement[0]), "Sigma": as_numpy(problem.cov_x)}
    return np.asarray(np.linalg.eigvalsh(setup.evaluate_definition(trial, "Sigma_s", values)))


def confront(
    trial: Trial,
    part: str,
    *,
    rows: int,
    step: float,
    predicted: float,
    rival: Rival,
    relative: Tolerance,
    half_width: float,
    tails: float = 1.0,
    window: float = WINDOW,
    label: str = "",
) -> Comparison:
    """Compare time averages over independent trajectories with a predicted floor."""
    heads = setup.head_eigenvalues(trial.scenario)
    schurs = stated_schur_spectrum(trial, floors.one_truth(trial, 1))
    rates = step * np.outer(heads, schurs)
    # A multiplier near 1 or near -1: both forget slowly.
    slowest = min(float(rates.min()) * (rows - trial.rank) / rows, 2.0 - float(rates.max()))
    burn_in, num_steps = math.ceil(BURN_IN / slowest), math.ceil(window / slowest)
    # Squared relative spread of a time average: squares of variance 1/(2 - rate), as many
    # independent ones as times of the slowest of them, a Wishart share for small batches.
    squares_share = 2.0 * floors.share(1.0 / (2.0 - rates)) / window
    spread2 = tails * 1.5 * (squares_share + 2.0 / rows / num_steps)
    problem = floors.one_truth(trial, floors.replicates_for(spread2, half_width))
    squares = floors.stationary_squares(
        trial,
        amgd.amgd(step_size=step),
        problem,
        name=f"{part} {label}",
        batch_size=rows,
        burn_in=burn_in,
        num_steps=num_steps,
    )
    return floors.near(
        trial,
        part,
        squares,
        predicted,
        relative=relative,
        slowest=slowest,
        rival=rival,
        label=label,
    )


def stated(trial: Trial, method: str, *, rows: int, step: float) -> float:
    """Return E|T|_F^2 by the theory of ``method`` at this truth; of "amgd", by the recursion."""
    heads = setup.head_eigenvalues(trial.scenario)
    schurs = stated_schur_spectrum(trial, floors.one_truth(trial, 1))
    known = {"step_size": step, "noise_std": trial.noise_std, "n": rows}
    if method == "amgd":
        return sum(
            stationary_variance(float(value), schurs, **known, rank=trial.rank) for value in heads
        )
    return tangent_floor(method, **known, head_eigenvalues=heads, schur_eigenvalues=schurs)


def amplified(trial: Trial, *, rows: int, step: float) -> Rival:
    """Return the floor if noise were amplified in flat directions, as KFAC's is."""
    largest = stated_schur_spectrum(trial, floors.one_truth(trial, 1))[-1]
    alike = float(step * largest)  # the same multiplier in the steepest direction
    enough = max(rows, trial.input_dim + 2)  # below, KFAC has no floor
    return Rival("noise amplified like KFAC's", stated(trial, "kfac", rows=enough, step=alike))


@check(
    "LR-16",
    (
        Integers("input_dim", 8, 12),
        Integers("rank", 2, 4),
        setup.OUTPUT_DIM,
        Covariances(max_log10_cond=0.6),
        Reals("head_log10_cond", 0.3, 0.4),
        Reals("stable_fraction", 0.6, 1.0),
        Integers("batch_size", lambda v: v["input_dim"] + 6, lambda v: 3 * v["input_dim"]),
        Reals("noise_std", 0.001, 0.01, log=True),
        Choice("input_law", ("gaussian",)),
    ),
    anchors=(SMALL_BATCH, FEWEST_ROWS),
    decisions=3,
    facts=facts,
)
def amgd_floor(trial: Trial) -> Iterator[Comparison]:
    """The floor at the scenario's batch against the recursion, at many rows against its limit."""
    skewed = HEAVY_TAILS if trial.stable_fraction > 1.0 else 1.0
    for part, rows, method, step, tails in (
        ("recursion", trial.batch_size, "amgd", step_size(trial.scenario), skewed),
        ("large_batch", MANY_ROWS, "amgd_large_batch", large_step(trial.scenario), 1.0),
    ):
        trial.admit(**{**facts(trial.scenario), "batch_size": rows, "step_size": step})
        predicted = stated(trial, method, rows=rows, step=step)
        rival = amplified(trial, rows=rows, step=step)
        close = abs(rival.value / predicted - 1.0) < NEAR_RIVAL
        yield confront(
            trial,
            part,
            rows=rows,
            step=step,
            predicted=predicted,
            rival=rival,
            relative=SHARP if close else RELATIVE,
            half_width=SHARP_HALF_WIDTH if close else HALF_WIDTH,
            tails=tails,
        )


@amgd_floor.extra("few rows", on=[SMALL_BATCH])
def few_rows(trial: Trial) -> Iterator[Comparison]:
    """A small batch: the recursion is told from its large-batch form."""
    rows, step = trial.batch_size, step_size(trial.scenario)
    yield confront(
        trial,
        "recursion",
        label="few rows",
        rows=rows,
        step=step,
        predicted=stated(trial, "amgd", rows=rows, step=step),
        rival=Rival(
            "the large-batch form", stated(trial, "amgd_large_batch", rows=rows, step=step)
        ),
        relative=SHARP,
        half_width=SHARP_HALF_WIDTH,
    )


@amgd_floor.extra("one degree of freedom", on=[FEWEST_ROWS])
def one_degree_of_freedom(trial: Trial) -> Iterator[Comparison]:
    """The smallest batch: n - k degrees of freedom are told from n - k - 1."""
    rows, step = trial.batch_size, step_size(trial.scenario)
    schurs = stated_schur_spectrum(trial, floors.one_truth(trial, 1))
    fewer = sum(
        stationary_variance(
            float(value),
            schurs,
            step_size=step,
            noise_std=trial.noise_std,
            n=rows,
            rank=trial.rank + 1,
        )
        for value in setup.head_eigenvalues(trial.scenario)
    )
    yield confront(
        trial,
        "recursion",
        label="one degree of freedom",
        rows=rows,
        step=step,
        predicted=stated(trial, "amgd", rows=rows, step=step),
        rival=Rival("n - k - 1 degrees of freedom", fewer),
        relative=SHARPEST,
        half_width=SHARPEST_HALF_WIDTH,
        tails=HEAVY_TAILS / 4.0,  # many replicates: the ends are alike
        window=LONG_WINDOW,
    )
