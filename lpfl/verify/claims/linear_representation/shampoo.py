"""LR-23: Shampoo with averaged statistics, noise-dominated; and without noise and memory."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import decide, linalg
from lpfl.optim import muon, shampoo
from lpfl.problems import linear_representation as model
from lpfl.verify.check import Check, Finding, Trial, as_numpy, condition_of
from lpfl.verify.setups import linear as setup
from lpfl.verify.setups import noise_dominated as noisy
from lpfl.verify.space import Choice, Covariances, Integers, ScenarioSpace
from theory.core.formula import numeric

REPLICATES = 256
WARM_UP = 150
AVERAGING = 0.9999  # far longer than the warm-up: all its gradients weigh the same
NEAREST_EXPONENT = 1.0 / 3.0  # (lambda mu)^{1/2} of q = 1/2 is (lambda mu)^{3/4} to the power 2/3
EXPONENTS = {"1/4": 0.25, "1/2": 0.5}


def modes(problem: model.LinearRepresentation) -> tuple[Tensor, Tensor]:
    """Return eigenvectors of H (R, k, k) and of Sigma (d, d), in columns, descending."""
    _, heads = torch.linalg.eigh(problem.head_star.mT @ problem.head_star)
    _, inputs = torch.linalg.eigh(problem.cov_x)
    return heads.flip(-1), inputs.flip(-1)


def measure_shampoo(trial: Trial) -> list[Finding]:
    """Response of every pair of eigenvectors of H and Sigma after a warm-up of the statistics."""
    scenario = trial.scenario
    exponent = EXPONENTS[scenario.exponent]
    problem = setup.draw_truth(trial, replicates=REPLICATES)
    heads = setup.head_eigenvalues(scenario)
    inputs = scenario.covariance.spectrum()
    multiplier = numeric(trial.claim.relations()["multiplier"].args[1])

    def predicted(step_size: float) -> NDArray[np.float64]:
        return 1.0 - multiplier(
            step_size=step_size,
            noise_std=scenario.noise_std,
            batch_size=scenario.batch_size,
            cov_trace=inputs.sum(),
            head_trace=heads.sum(),
            head_eigenvalue=heads[:, None],
            schur_eigenvalue=inputs,
            shampoo_exponent=exponent,
        )

    step_size = scenario.fastest_rate / float(predicted(1.0).max())
    method = shampoo.shampoo(
        step_size=step_size,
        exponent=exponent,
        statistics="average",
        averaging=AVERAGING,
        head="frozen",
    )
    stream = trial.stream("noise")

    def next_batch() -> model.Batch:
        return noisy.noisy_batch(problem, scenario, stream)

    run, _ = noisy.run_to_stationarity(method, problem, next_batch, num_steps=WARM_UP)
    left, right = modes(problem)
    shape = (REPLICATES, scenario.rank, scenario.input_dim)
    signs = noisy.small_step(scenario) * noisy.random_signs(trial, shape)
    lost = noisy.lost_per_step(method, run, left @ signs @ right.mT, next_batch())
    measured = (left.mT @ lost @ right) / signs
    # The statistics are known from WARM_UP gradients, one of which is the current one. Inverse
    # powers of an average are too large, the current gradient's share makes the response smaller:
    # relative terms of opposite signs, each at most exponent (d + k) / WARM_UP. The signal that
    # the fluctuating weights add to the squared gradients is at most the rate.
    sizes = scenario.input_dim + scenario.rank
    tolerance = 0.02 + scenario.fastest_rate + exponent * sizes / WARM_UP
    rates = predicted(step_size)
    tolerance += noisy.response_rounding(trial, float(rates.min()))
    findings = noisy.ratio_findings(
        trial,
        "rate",
        measured,
        rates,
        tolerance=tolerance,
        nearest_exponent=NEAREST_EXPONENT,
    )
    return [*findings, polar_step(trial, problem)]


def polar_step(trial: Trial, problem: model.LinearRepresentation) -> Finding:
    """Without noise and memory, exponent 1/4: the step is that of the polar factor."""
    G = model.tilt(problem.representation_star, 0.5, trial.stream("start"))
    batch = model.population_batch(problem)
    start = model.Weights(problem.head_star, G)
    slope = model.gradients(start, batch).representation
    after = []
    for method in (
        shampoo.shampoo(step_size=1.0, statistics="average", averaging=0.0, head="frozen"),
        muon.muon(step_size=1.0, momentum=0.0, nesterov=False, head="frozen"),
    ):
        after.append(method.step(start, method.init(start), batch)[0].representation)
    error = torch.linalg.matrix_norm(after[0] - after[1])
    # Statistics square the singular values of the gradient.
    tolerance = linalg.machine_tolerance(
        trial.dtype, dim=trial.scenario.input_dim, condition=condition_of(slope) ** 2
    )
    verdict = decide.identity(as_numpy(error), tolerance=tolerance)
    return Finding("noiseless, memoryless: polar factor", verdict)


SHAMPOO = Check(
    claim_id="LR-23",
    space=ScenarioSpace(
        axes=(
            Integers("input_dim", 4, 6),
            Integers("rank", 2, 3),
            setup.OUTPUT_DIM,
            Covariances(max_log10_cond=1.0),
            noisy.HEAD_COND,
            noisy.BATCH_SIZE,
            setup.NOISE_STD,
            noisy.FASTEST_RATE,
            Choice("exponent", tuple(EXPONENTS)),
            noisy.INPUT_LAW,
        ),
    ),
    measure=measure_shampoo,
    decisions=2,
    facts=noisy.facts,
)
