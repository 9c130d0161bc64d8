"""LR-05: what damping does to one KFAC step and to the local rate."""

import math

import numpy as np
import torch

from lpfl import decide, linalg
from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.verify.check import Check, Finding, Trial, as_numpy, condition_of
from lpfl.verify.claims.linear_representation.local import tangent_jacobian
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Covariances, Reals, ScenarioSpace
from theory.core import exact
from theory.core.formula import right_side
from theory.linear_representation import damped_eigenvalues, local_rate

REPLICATES = 3
START_TANGENT = 0.8
RATE_UP_TO = 24  # the update map is differentiated in k(d-k) directions


def measure_damped_step(trial: Trial) -> list[Finding]:
    """The damped step on a noisy batch against the identity; eigenvalues of the update map."""
    scenario = trial.scenario
    findings = [*setup.exact_findings(trial), complement_finding(trial)]
    if scenario.input_dim <= RATE_UP_TO:
        findings.append(rate_finding(trial))
    return findings


def complement_finding(trial: Trial) -> Finding:
    """G+ P of the torch step against the right-hand side of the identity."""
    scenario = trial.scenario
    problem = setup.draw_truth(trial, replicates=REPLICATES, noise_std=scenario.noise_std)
    batch = model.sample(problem, scenario.batch_size, trial.stream("batch"))
    F = setup.draw_head(trial, replicates=REPLICATES)
    G_star = problem.representation_star
    G = model.tilt(G_star, START_TANGENT, trial.stream("start"))
    grad_G = model.gradients(model.Weights(F, G), batch).representation
    G_next = kfac.kfac_step(
        G, F, grad_G, batch.cov_x, step_size=scenario.step_size, damping=scenario.damping
    )
    expected = exact.evaluate_float(
        trial.claim.relations()["complement"].args[1],
        {
            "G": as_numpy(G),
            "F": as_numpy(F),
            "F^*": as_numpy(problem.head_star),
            "G^*": as_numpy(G_star),
            "Sigmahat": as_numpy(batch.cov_x),
            "N": as_numpy(batch.cross - problem.product_star @ batch.cov_x),
            "eta": scenario.step_size,
            "lambda": scenario.damping,
        },
        sizes={"d": scenario.input_dim, "m": scenario.output_dim, "k": scenario.rank},
        definitions=trial.claim.definitions,
    )
    measured = G_next - G_next @ G_star.mT @ G_star
    norm = torch.linalg.matrix_norm
    whitener = kfac.damped(batch.cov_x, scenario.damping)
    # The solves act on the whole gradient, noise included, and so do their rounding errors.
    pull = torch.linalg.pinv(F) @ batch.cross
    scale = norm(G) + norm(linalg.right_solve(pull, whitener))
    tolerance = linalg.machine_tolerance(
        trial.dtype, dim=scenario.input_dim, condition=condition_of(whitener) * condition_of(F)
    )
    error = norm(measured - trial.tensor(expected)) / scale
    return Finding("run: complement", decide.identity(as_numpy(error), tolerance=tolerance))


def rate_finding(trial: Trial) -> Finding:
    """All eigenvalues of the population update map with F = F_ls, and the largest of them."""
    scenario = trial.scenario
    eta, damping = scenario.step_size, scenario.damping
    problem = setup.draw_truth(trial, replicates=1)
    method = kfac.kfac(step_size=eta, damping=damping)
    measured = np.linalg.eigvals(tangent_jacobian(method, problem, model.population_batch(problem)))
    cov_x = as_numpy(setup.frame_covariance(problem))
    nu = damped_eigenvalues(cov_x, rank=scenario.rank, damping=damping)
    multipliers = right_side(trial.claim.relations()["rate"])(step_size=eta, damped_eigenvalue=nu)
    predicted = np.sort(np.repeat(multipliers, scenario.rank))
    largest = local_rate("kfac", step_size=eta, damping=damping, cov_x=cov_x, rank=scenario.rank)
    # Central differences with width eps^(1/3): truncation and rounding are both eps^(2/3).
    tolerance = (
        16
        * scenario.input_dim
        * torch.finfo(trial.dtype).eps ** (2 / 3)
        * math.sqrt(condition_of(problem.cov_x))
    )
    error = max(
        float(np.abs(np.sort(measured.real) - predicted).max()),
        abs(float(np.abs(measured).max()) - largest),
    )
    verdict = decide.identity(error, tolerance=tolerance)
    return Finding("local rate", verdict.with_detail(f"rate {largest:.4g}, undamped {1 - eta:.4g}"))


DAMPED = Check(
    claim_id="LR-05",
    space=ScenarioSpace(
        axes=(
            *setup.SIZES,
            setup.BATCH_SIZE,
            Covariances(max_log10_cond=3.0),
            setup.HEAD_COND,
            setup.STEP_SIZE,
            Reals("damping", 0.001, 10.0, log=True),
            setup.INPUT_LAW,
            setup.NOISE_STD,
        ),
        anchors=tuple(
            setup.paper(
                batch_size=1024,
                covariance=setup.paper_covariance(),
                head_log10_cond=1.0,
                step_size=0.01,
                damping=0.1,
                input_law=law,
                noise_std=0.1,
            )
            for law in model.INPUT_LAWS
        ),
    ),
    measure=measure_damped_step,
)
