"""LR-26: what a new head on a frozen representation costs, with infinite and with few rows."""

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from lpfl import decide, linalg
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.verify.check import Check, Finding, Trial, as_numpy, condition_of
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Choice, Covariances, Integers, Reals, ScenarioSpace
from theory.linear_representation import transfer_bound, transfer_excess

STARTS = 16
RELATIVE_TOLERANCE = 0.08  # of the part that vanishes with many rows; its mean is exact
HALF_WIDTH = 0.05
QUANTILE = 6.5  # the t quantile of one decision, rounded up


def population_excess(problem: model.LinearRepresentation, G: Tensor) -> Tensor:
    """Return the excess loss of the best head on G, per replicate."""
    best = model.least_squares_head(G, model.population_batch(problem))
    return model.population_loss(model.Weights(best, G), problem)


def measure_transfer(trial: Trial) -> list[Finding]:
    """Exact reading; excess of the best head and its bound; mean excess of fitted heads."""
    scenario = trial.scenario
    problem = setup.draw_truth(trial, replicates=STARTS)
    G = model.tilt(problem.representation_star, scenario.tan_angle, trial.stream("frozen"))
    measured = as_numpy(population_excess(problem, G))
    arrays = [as_numpy(x) for x in (problem.head_star, G, problem.representation_star)]
    cov_x = as_numpy(problem.cov_x)
    predicted = np.array(
        [
            transfer_excess(head, representation=rows, representation_star=truth, cov_x=cov_x)
            for head, rows, truth in zip(*arrays, strict=True)
        ]
    )
    # The prediction subtracts two matrices of this size.
    scale = as_numpy(model.population_loss(model.Weights(problem.head_star, 0.0 * G), problem))
    rounding = linalg.machine_tolerance(
        trial.dtype, dim=scenario.input_dim, condition=condition_of(problem.cov_x, G)
    )
    cov_max = float(scenario.covariance.spectrum()[0])
    distances = as_numpy(linalg.subspace_distance(G, problem.representation_star))
    limits = np.array(
        [
            transfer_bound(head, cov_max=cov_max, distance=float(distance))
            for head, distance in zip(arrays[0], distances, strict=True)
        ]
    )
    return [
        *setup.exact_findings(trial),
        Finding(
            "best head",
            decide.identity(np.abs(measured - predicted) / scale, tolerance=rounding),
        ),
        Finding("bound", decide.bound(measured, limits, rounding=rounding * scale)),
        fitted_finding(trial, problem, G),
    ]


def fitted_finding(trial: Trial, truth: model.LinearRepresentation, G: Tensor) -> Finding:
    """Mean excess over heads fitted on few Gaussian rows, in units of its predicted growth."""
    scenario = trial.scenario
    k, m, n = scenario.rank, scenario.output_dim, scenario.batch_size
    best = model.least_squares_head(G, model.population_batch(truth))
    misfit = (best @ G - truth.product_star)[0]
    missed = misfit @ truth.cov_x @ misfit.mT
    population = 0.5 * float(missed.trace())
    noise_std = math.sqrt(2.0 * scenario.noise_share * population / m)
    eye = torch.eye(m, dtype=missed.dtype, device=missed.device)
    residual = torch.linalg.eigvalsh(missed + noise_std**2 * eye)
    # Squared relative spread: k squares per residual direction, over a Wishart matrix of n rows.
    share = float(residual.square().sum() / residual.sum() ** 2)
    spread2 = 1.3 * (2.0 * share + 4.0 / (n - k - 3)) / k
    replicates = max(64, math.ceil(spread2 * (QUANTILE / HALF_WIDTH) ** 2))
    problem = replace(
        truth,
        head_star=truth.head_star[:1].expand(replicates, -1, -1),
        representation_star=truth.representation_star[:1].expand(replicates, -1, -1),
        noise_std=noise_std,
    )
    frozen = G[:1].expand(replicates, -1, -1)
    fitted = model.least_squares_head(frozen, sample_moments(problem, n, trial.stream("rows")))
    excess = as_numpy(model.population_loss(model.Weights(fitted, frozen), problem))
    predicted = transfer_excess(
        as_numpy(truth.head_star[0]),
        representation=as_numpy(G[0]),
        representation_star=as_numpy(truth.representation_star[0]),
        cov_x=as_numpy(truth.cov_x),
        n=n,
        noise_std=noise_std,
    )
    growth = predicted - population
    verdict = decide.equivalence(
        (excess - population) / growth,
        predicted=1.0,
        tolerance=RELATIVE_TOLERANCE,
        alpha=trial.alpha,
        # The nearest rival leaves the misspecification as it is.
        matters=population * k / (n - k - 1) / growth,
    )
    return Finding("fitted head", verdict)


TRANSFER = Check(
    claim_id="LR-26",
    space=ScenarioSpace(
        axes=(
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
    ),
    measure=measure_transfer,
    decisions=1,
)
