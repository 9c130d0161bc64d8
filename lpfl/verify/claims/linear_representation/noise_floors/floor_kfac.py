"""LR-12: the noise floor of KFAC, with three kinds of head."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import kfac
from lpfl.optim.core.method import Memory, Method
from lpfl.optim.kfac import sequential as kfac_sequential
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Ordered, Rival
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.jacobian import schur_spectrum
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import judgement
from lpfl.verify.trial import Trial

RELATIVE = judgement(
    0.09, "1 % for the next order in noise_std^2/n, the rest well below the rival n for n - d - 1"
)
HALF_WIDTH = 0.055
SHARP = judgement(0.03, "a third of what one degree of freedom does to a batch of 18 rows, d = 6")
SHARP_HALF_WIDTH = 0.02
EXPONENT = judgement(
    0.02, "the rival exponent, that of an inverse root of n, is 25 times as far away"
)
NO_SLACK = judgement(0.0, "the ordering is strict")
HEAD_AVERAGE = 0.3
INDEPENDENT_STEPS = 8
LEFT_OF_START = 1e-4
SIGNS_REPLICATES = 512
DECADES = (1_000, 100_000, 10_000_000, 1_000_000_000)


def memoryless(input_dim: int, rank: int, output_dim: int, rows: int) -> Scenario:
    """Return a scenario with step size 1: every step starts afresh."""
    sizes = {"input_dim": input_dim, "rank": rank, "output_dim": output_dim, "batch_size": rows}
    fields = {"head_log10_cond": 0.3, "step_size": 1.0, "noise_std": 0.01, "input_law": "gaussian"}
    covariance = CovarianceSpec(input_dim, "geometric", 1.0, "haar", 0)
    return Scenario({**sizes, **fields, "covariance": covariance})


SIGNS = memoryless(20, 4, 6, 56)
FEW_ROWS = memoryless(6, 2, 3, 18)
PAPER = setup.paper(
    covariance=setup.paper_covariance(),
    head_log10_cond=0.5,
    step_size=0.9,
    batch_size=256,
    noise_std=0.01,
    input_law="gaussian",
)


def independent_head(step_size: float) -> Method:
    """KFAC whose head is the least-squares head of a second batch."""

    def step(
        weights: model.Weights, memory: Memory, batches: tuple[model.Batch, model.Batch]
    ) -> tuple[model.Weights, Memory]:
        head_batch, batch = batches
        G = weights.representation
        F = model.least_squares_head(G, head_batch)
        grad_G = model.gradients(model.Weights(F, G), batch).representation
        return model.Weights(
            F, kfac.kfac_step(G, F, grad_G, batch.cov_x, step_size=step_size)
        ), memory

    return Method("kfac, independent head", step, batches=2)


@check(
    "LR-12",
    (
        Integers("input_dim", 6, 12),
        Integers("rank", 2, 4),
        setup.OUTPUT_DIM,
        Covariances(max_log10_cond=1.0),
        Reals("head_log10_cond", 0.0, 0.5),
        Reals("step_size", 0.2, 1.5),
        Integers("batch_size", lambda v: 2 * v["input_dim"] + 6, lambda v: 4 * v["input_dim"]),
        Reals("noise_std", 0.001, 0.01, log=True),
        Choice("input_law", ("gaussian",)),
    ),
    anchors=(SIGNS, FEW_ROWS, PAPER),
    decisions=5,
)
def kfac_floor(trial: Trial) -> Iterator[Comparison]:
    """Time averages over independent trajectories against the predicted floor."""
    eta, n, d = trial.step_size, trial.batch_size, trial.input_dim
    heads = setup.head_eigenvalues(trial.scenario)
    schurs = schur_spectrum(floors.one_truth(trial, 1))
    memory = (1.0 - eta) ** 2  # autocorrelation of the squares per step
    burn_in = math.ceil(math.log(LEFT_OF_START) / math.log(memory)) if memory > 0 else 0
    num_steps = math.ceil(INDEPENDENT_STEPS / (1.0 - memory))
    # Squared relative spread of one |T|_F^2: a weighted sum of squares over a Wishart matrix.
    spread2 = 1.5 * (
        2.0 * floors.share(1.0 / heads) * floors.share(1.0 / schurs) + 2.0 / (n - d) / len(schurs)
    )
    effective = num_steps * (1.0 - memory) / (1.0 + memory)
    problem = floors.one_truth(trial, floors.replicates_for(spread2 / effective, HALF_WIDTH))
    predicted = floors.stated_floor(trial, problem, n=n)
    methods = {
        "same batch": kfac.kfac(step_size=eta),
        "independent batch": independent_head(eta),
        "averaged head": kfac_sequential.kfac_sequential(
            step_size=eta, head_step_size=HEAD_AVERAGE
        ),
    }
    for name, method in methods.items():
        squares = floors.stationary_squares(
            trial,
            method,
            problem,
            name=name,
            batch_size=n,
            burn_in=burn_in,
            num_steps=num_steps,
        )
        yield floors.near(
            trial,
            "floor",
            squares,
            predicted,
            relative=RELATIVE,
            slowest=1.0 - memory,
            rival=Rival("the population covariance", predicted * (n - d - 1) / n),
            label=name,
        )


@kfac_floor.extra("one degree of freedom", on=[FEW_ROWS])
def one_degree_of_freedom(trial: Trial) -> Iterator[Comparison]:
    """Few rows: 1/(n - d - 1) is told from 1/(n - d)."""
    n, d = trial.batch_size, trial.input_dim
    # The spread of one |T|_F^2 is about its mean: two rows, inverse Wishart with few degrees.
    replicates = floors.replicates_for(1.5 / INDEPENDENT_STEPS, SHARP_HALF_WIDTH)
    problem = floors.one_truth(trial, replicates)
    squares = floors.stationary_squares(
        trial,
        kfac.kfac(step_size=trial.step_size),
        problem,
        name="few rows",
        batch_size=n,
        burn_in=0,
        num_steps=INDEPENDENT_STEPS,
    )
    predicted = floors.stated_floor(trial, problem, n=n)
    yield floors.near(
        trial,
        "one degree of freedom",
        squares,
        predicted,
        relative=SHARP,
        slowest=1.0,
        rival=Rival("one degree of freedom more", predicted * (n - d - 1) / (n - d)),
    )


@kfac_floor.extra("inputs of signs", on=[SIGNS])
def inputs_of_signs(trial: Trial) -> Iterator[Comparison]:
    """With inputs of random signs the floor is lower: the factor is a Gaussian fact."""
    gaussian = floors.one_truth(trial, SIGNS_REPLICATES)
    squares = floors.stationary_squares(
        trial,
        kfac.kfac(step_size=trial.step_size),
        replace(gaussian, input_law="rademacher"),
        name="signs",
        batch_size=trial.batch_size,
        burn_in=0,
        num_steps=INDEPENDENT_STEPS,
    )
    predicted = floors.stated_floor(trial, gaussian, n=trial.batch_size)
    yield Ordered(
        part="inputs of signs",
        better=np.full(squares.shape, predicted),
        worse=squares,
        slack=NO_SLACK,
    )


@kfac_floor.extra("exponent over six decades of n", on=[SIGNS])
def exponent(trial: Trial) -> Iterator[Comparison]:
    """The exponent of the floor in n, one slope per replicate."""
    squares, predicted = over_decades(trial)
    scale = np.log(DECADES)
    slopes = np.polyfit(scale, np.log(squares), 1)[0]
    stated = float(np.polyfit(scale, np.log(predicted), 1)[0])
    yield Near(
        part="exponent over six decades of n",
        samples=slopes,
        predicted=stated,
        tolerance=EXPONENT,
        rival=Rival("a floor like the inverse root of n", stated + 0.5),
    )


def over_decades(trial: Trial) -> tuple[Any, list[float]]:
    """Return |T|_F^2 after one step from the floor, (decades, replicates), and what is stated."""
    if "decades" not in trial.memory:
        problem = floors.one_truth(trial, SIGNS_REPLICATES)
        method = kfac.kfac(step_size=trial.step_size)
        squares = [
            floors.stationary_squares(
                trial, method, problem, name=f"{n} rows", batch_size=n, burn_in=1, num_steps=1
            )
            for n in DECADES
        ]
        predicted = [floors.stated_floor(trial, problem, n=n) for n in DECADES]
        trial.memory["decades"] = np.stack(squares), predicted
    squares, predicted = trial.memory["decades"]
    return squares, predicted


@kfac_floor.picture(on=[SIGNS])
def floor_against_rows(trial: Trial) -> dict[str, Any]:
    """The floor at batches of thousand to thousand million rows."""
    squares, predicted = over_decades(trial)
    measured = squares.mean(1).tolist()
    return {
        "title": "The floor of KFAC falls like 1/n",
        "x_label": "rows in a batch",
        "y_label": "mean |T|²",
        "x_scale": "log",
        "y_scale": "log",
        "series": [
            {"name": "predicted", "style": "line", "x": list(DECADES), "y": predicted},
            {"name": "measured", "style": "points", "x": list(DECADES), "y": measured},
        ],
        "note": f"{SIGNS_REPLICATES} replicates, drawn from the law of the sufficient statistics",
    }
