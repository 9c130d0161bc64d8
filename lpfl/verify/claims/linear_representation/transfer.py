"""LR-26: what a new head on a frozen representation costs, with infinite and with few rows."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from torch import Tensor

from lpfl import decide, linalg
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.verify.check import check
from lpfl.verify.expect import Below, Comparison, Near, Rival, Same
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import judgement, rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of
from theory.linear_representation import transfer_bound, transfer_excess

STARTS = 16
LEAST_REPLICATES = 64
# Shares of what the fit adds to the excess; the nearest rival adds at most half of it.
WIDTH = judgement(0.08, "a sixth of the distance of the nearest rival")
HALF_WIDTH = 0.05  # of the interval; replicates are planned for it
SPARE = 1.3  # variance that the plan, exact for large n, leaves out at n = k + 10


@check(
    "LR-26",
    (
        Integers("input_dim", 3, 16, log=True),
        Integers("rank", 1, lambda v: min(5, v["input_dim"] - 1)),
        setup.OUTPUT_DIM,
        Covariances(max_log10_cond=3.0),
        setup.HEAD_COND,
        Reals("tan_angle", 0.05, 2.0),
        Integers("batch_size", lambda v: v["rank"] + 10, lambda v: 4 * v["rank"] + 20),
        Reals("noise_share", 0.1, 1.0),
        Choice("input_law", ("gaussian",)),
    ),
    anchors=(
        setup.paper(
            covariance=setup.paper_covariance(),
            head_log10_cond=1.0,
            tan_angle=0.3,
            batch_size=64,
            noise_share=0.5,
            input_law="gaussian",
        ),
    ),
    decisions=1,
)
def transfer(trial: Trial) -> Iterator[Comparison]:
    """Excess of the best head and its bound; mean excess of heads fitted on few rows."""
    yield from exact_parts(trial)
    problem = setup.draw_truth(trial, replicates=STARTS)
    G = model.tilt(problem.representation_star, trial.tan_angle, trial.stream("frozen"))
    best = model.least_squares_head(G, model.population_batch(problem))
    measured = as_numpy(model.population_loss(model.Weights(best, G), problem))
    heads, rows, truths = (as_numpy(x) for x in (problem.head_star, G, problem.representation_star))
    cov_x = as_numpy(problem.cov_x)
    predicted = [
        transfer_excess(F_t, representation=frozen, representation_star=truth, cov_x=cov_x)
        for F_t, frozen, truth in zip(heads, rows, truths, strict=True)
    ]
    # The prediction subtracts two matrices of this size.
    scale = as_numpy(model.population_loss(model.Weights(problem.head_star, 0.0 * G), problem))
    tolerance = rounding(trial.dtype, dim=trial.input_dim, condition=condition_of(problem.cov_x, G))
    yield Same(
        part="population",
        measured=measured,
        predicted=predicted,
        scale=scale,
        tolerance=tolerance,
        label="best head",
    )
    cov_max = float(np.linalg.eigvalsh(cov_x)[-1])
    distances = as_numpy(linalg.subspace_distance(G, problem.representation_star))
    limits = [
        transfer_bound(F_t, cov_max=cov_max, distance=min(float(distance), 1.0))
        for F_t, distance in zip(heads, distances, strict=True)
    ]
    yield Below(
        part="bound",
        measured=measured,
        limit=limits,
        tolerance=tolerance.times(float(scale.max()), "times the risk without a head"),
    )
    yield fitted_heads(trial, problem, G, predicted[0])


def fitted_heads(
    trial: Trial, truth: model.LinearRepresentation, G: Tensor, population: float
) -> Near:
    """Mean excess over heads fitted on few Gaussian rows, for the first start."""
    k, m, n = trial.rank, trial.output_dim, trial.batch_size
    noise_std = math.sqrt(2.0 * trial.noise_share * population / m)
    replicates = trial.replicates(replicates_of(trial, truth, G, noise_std))
    problem = replace(
        truth,
        head_star=truth.head_star[:1].expand(replicates, -1, -1),
        representation_star=truth.representation_star[:1].expand(replicates, -1, -1),
        noise_std=noise_std,
    )
    frozen = G[:1].expand(replicates, -1, -1)
    batch = sample_moments(problem, n, trial.stream("rows"))
    setup.admit(trial, problem, batch_size=n, input_law=problem.input_law)
    fitted = model.least_squares_head(frozen, batch)
    excess = as_numpy(model.population_loss(model.Weights(fitted, frozen), problem))
    predicted = transfer_excess(
        as_numpy(truth.head_star[0]),
        representation=as_numpy(G[0]),
        representation_star=as_numpy(truth.representation_star[0]),
        cov_x=as_numpy(truth.cov_x),
        n=n,
        noise_std=noise_std,
    )
    return Near(
        part="finite",
        samples=excess,
        predicted=predicted,
        tolerance=WIDTH.times(predicted - population, "of what the fit adds"),
        rival=Rival("the misfit stays as it is", predicted - population * k / (n - k - 1)),
        label="fitted head",
    )


def replicates_of(
    trial: Trial, truth: model.LinearRepresentation, G: Tensor, noise_std: float
) -> int:
    """Return how many fits give the mean within HALF_WIDTH of what the fit adds.

    Squared relative spread: k squares per residual direction, over a Wishart matrix of n rows.
    """
    k, n = trial.rank, trial.batch_size
    best = model.least_squares_head(G, model.population_batch(truth))
    misfit = (best @ G - truth.product_star)[0]
    missed = as_numpy(misfit @ truth.cov_x @ misfit.mT)
    residual = np.linalg.eigvalsh(missed + noise_std**2 * np.eye(trial.output_dim))
    share = float(np.square(residual).sum() / residual.sum() ** 2)
    spread2 = SPARE * (2.0 * share + 4.0 / (n - k - 3)) / k
    quantile = decide.quantile(trial.alpha / 2.0, LEAST_REPLICATES)
    return max(LEAST_REPLICATES, math.ceil(spread2 * (quantile / HALF_WIDTH) ** 2))
