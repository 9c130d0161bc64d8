"""LR-24: Muon's polar step, noiseless and aligned; and dominated by noise."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from lpfl import decide, linalg
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import muon
from lpfl.optim.method import Method
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.check import Check, Finding, Trial, as_numpy, condition_of
from lpfl.verify.claims.linear_representation.shampoo import modes
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import linear as setup
from lpfl.verify.setups import noise_dominated as noisy
from lpfl.verify.space import Covariances, Integers, Reals, ScenarioSpace
from theory.core.formula import numeric

STEPS = 8
SMALLEST_TANGENT = 0.3
RESPONSES = 1024
FLOOR_REPLICATES = 64
FLOOR_RATE = 0.04
BURNT = 0.03  # share of the start left in a mean square when averaging begins, bounds its mean
NEAREST_EXPONENT = 0.5


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """The noiseless part: its step, and the largest angle, at which its last step is taken."""
    step = {"step_size": scenario.aligned_step, "angle": math.atan(SMALLEST_TANGENT)}
    return {**noisy.facts(scenario), **step}


def polar_method(step_size: float) -> Method:
    """Return the plain polar step on the representation alone."""
    return muon.muon(step_size=step_size, momentum=0.0, nesterov=False, head="frozen")


def measure_muon(trial: Trial) -> list[Finding]:
    """Noiseless tangents step by step; response of the modes; floor on white inputs."""
    return [*aligned_tangents(trial), *response(trial), *floor(trial)]


def aligned_tangents(trial: Trial) -> list[Finding]:
    """T pairs eigenvectors of H with eigenvectors of Sigma: every tangent loses the step."""
    scenario = trial.scenario
    eta, k, d = scenario.aligned_step, scenario.rank, scenario.input_dim
    problem = noisy.diagonal_truth(trial, replicates=1)
    tangents = np.linspace(SMALLEST_TANGENT + STEPS * eta, 2.0 + STEPS * eta, k)
    T = torch.zeros(1, k, d - k, dtype=trial.dtype, device=trial.device)
    T[:, range(k), range(k)] = trial.tensor(tangents)
    B = torch.eye(d, dtype=trial.dtype, device=trial.device)[None, k:]
    G_star = problem.representation_star
    batch = model.population_batch(problem)
    _, seen = simulate(
        polar_method(eta),
        model.Weights(problem.head_star, G_star + T @ B),
        lambda t: batch,
        num_steps=STEPS,
        observe={"tangents": lambda w: linalg.principal_tangents(w.representation, G_star)},
    )
    after = numeric(trial.claim.relations()["noiseless"].args[1])
    want = [np.sort(tangents)[::-1]]
    for _ in range(STEPS):
        want.append(after(angle=np.arctan(want[-1]), step_size=eta))
    measured = as_numpy(seen["tangents"][:, 0, :k])
    tolerance = linalg.machine_tolerance(
        trial.dtype, dim=d * STEPS, condition=condition_of(problem.head_star) ** 2
    )
    verdict = decide.identity(np.abs(measured - np.array(want)), tolerance=tolerance)
    return [Finding("noiseless, aligned: tangents", verdict)]


def few_rows_error(scenario: Scenario, inputs: np.ndarray) -> float:
    """Return (k + 1) / d_eff, d_eff = (tr Sigma)^2 / tr Sigma^2.

    The rows of a noise gradient have k + 1 first-order corrections to orthogonality and equal
    length: inner products and lengths fluctuate by d_eff^{-1/2}, and enter squared.
    """
    return float((scenario.rank + 1) * (inputs**2).sum() / inputs.sum() ** 2)


def response(trial: Trial) -> list[Finding]:
    """Response of every pair of eigenvectors at the solution; the method has no memory."""
    scenario = trial.scenario
    problem = setup.draw_truth(trial, replicates=RESPONSES)
    heads, inputs = setup.head_eigenvalues(scenario), scenario.covariance.spectrum()
    multiplier = numeric(trial.claim.relations()["noise_dominated"].args[1])
    known = {
        "noise_std": scenario.noise_std,
        "batch_size": scenario.batch_size,
        "cov_trace": inputs.sum(),
        "head_eigenvalue": heads[:, None],
        "schur_eigenvalue": inputs,
    }
    rates = 1.0 - multiplier(step_size=1.0, **known)
    step_size = scenario.fastest_rate / float(rates.max())
    left, right = modes(problem)
    shape = (RESPONSES, scenario.rank, scenario.input_dim)
    signs = noisy.small_step(scenario) * noisy.random_signs(trial, shape)
    start = model.Weights(problem.head_star, problem.representation_star)
    method = polar_method(step_size)
    batch = noisy.noisy_batch(problem, scenario, trial.stream("response"))
    direction = left @ signs @ right.mT
    lost = noisy.lost_per_step(method, (start, method.init(start)), direction, batch)
    rounding = noisy.response_rounding(trial, step_size * float(rates.min()))
    return noisy.ratio_findings(
        trial,
        "rate",
        (left.mT @ lost @ right) / signs,
        step_size * rates,
        tolerance=0.02 + few_rows_error(scenario, inputs) + rounding,
        nearest_exponent=NEAREST_EXPONENT,
    )


def floor(trial: Trial) -> list[Finding]:
    """White inputs: the mean square of every entry, in the eigenbasis of H."""
    scenario = trial.scenario
    d = scenario.input_dim
    white = Scenario({**scenario, "covariance": CovarianceSpec(d), "fastest_rate": FLOOR_RATE})
    other = Trial(trial.claim, white, trial.seed, trial.alpha, trial.device, trial.dtype)
    problem = noisy.diagonal_truth(other, replicates=FLOOR_REPLICATES)
    heads = setup.head_eigenvalues(scenario)
    known = {"noise_std": scenario.noise_std, "batch_size": scenario.batch_size, "input_dim": d}
    relations = trial.claim.relations()
    rates = 1.0 - numeric(relations["noise_dominated"].args[1])(
        step_size=1.0, head_eigenvalue=heads, schur_eigenvalue=1.0, cov_trace=float(d), **known
    )
    step_size = FLOOR_RATE / float(rates.max())
    slowest = step_size * float(rates.min())
    burn_in = math.ceil(-math.log(BURNT) / (2.0 * slowest))
    stream = trial.stream("floor")
    _, squares = noisy.run_to_stationarity(
        polar_method(step_size),
        problem,
        lambda: noisy.noisy_batch(problem, white, stream),
        num_steps=2 * burn_in,
        look=lambda weights: (weights.representation - problem.representation_star).square(),
        look_from=burn_in,
    )
    assert squares is not None
    floors = numeric(relations["floor"].args[1])(
        step_size=step_size, head_eigenvalue=heads[:, None], **known
    )
    # A floor at finite rate is larger by half the rate; the weights' own signal adds as much.
    tolerance = 0.02 + FLOOR_RATE + BURNT + few_rows_error(scenario, np.ones(d))
    return [noisy.level_finding(trial, "floor, white inputs", squares / trial.tensor(floors),
                                tolerance=tolerance)]  # fmt: skip


MUON = Check(
    claim_id="LR-24",
    space=ScenarioSpace(
        axes=(
            Integers("input_dim", 48, 64),
            Integers("rank", 2, 3),
            setup.OUTPUT_DIM,
            Covariances(families=("identity", "two_level", "geometric", "power_law", "clustered",
                                  "ar1"), max_log10_cond=0.7),
            noisy.HEAD_COND,
            noisy.BATCH_SIZE,
            setup.NOISE_STD,
            noisy.FASTEST_RATE,
            Reals("aligned_step", 0.005, 0.1),
            noisy.INPUT_LAW,
        ),
    ),
    measure=measure_muon,
    decisions=3,
    facts=facts,
)  # fmt: skip
