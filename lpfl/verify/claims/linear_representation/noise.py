"""LR-11: the exact Gaussian law of the noise that one KFAC step injects."""

import math

import numpy as np
import torch
from scipy import stats

from lpfl import decide
from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.verify.check import Check, Finding, Trial, as_numpy
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import ScenarioSpace

SCALE_THAT_MATTERS = 1.25
DISTANCE_THAT_MATTERS = 0.5
LEAST_REPLICATES = 128


def measure_noise(trial: Trial) -> list[Finding]:
    """Whiten G+ P - (1 - eta) G P with the predicted covariances: a chi-square per replicate."""
    scenario = trial.scenario
    eta = scenario.step_size
    free = scenario.rank * (scenario.input_dim - scenario.rank)
    needed = decide.dof_for_scale(trial.alpha, SCALE_THAT_MATTERS)
    replicates = max(LEAST_REPLICATES, math.ceil(1.1 * needed / free))
    problem = setup.draw_truth(trial, replicates=replicates, noise_std=scenario.noise_std)
    batch = model.sample(problem, scenario.batch_size, trial.stream("batch"))
    F = setup.draw_head(trial, replicates=replicates)
    G = model.tilt(problem.representation_star, 0.5, trial.stream("start"))
    grad_G = model.gradients(model.Weights(F, G), batch).representation
    G_next = kfac.kfac_step(G, F, grad_G, batch.cov_x, step_size=eta)
    B = problem.complement
    noise_term = (G_next - (1.0 - eta) * G) @ B.mT / eta

    values = {
        "F": as_numpy(F),
        "Sigmahat": as_numpy(batch.cov_x),
        "G^*": as_numpy(problem.representation_star),
        "sigma": scenario.noise_std,
    }
    rows = trial.tensor(setup.evaluate_definition(trial, "R_h", values))
    columns = trial.tensor(setup.evaluate_definition(trial, "C_h", values))
    columns = B @ columns @ B.mT
    left = torch.linalg.solve_triangular(torch.linalg.cholesky(rows), noise_term, upper=False)
    white = torch.linalg.solve_triangular(torch.linalg.cholesky(columns), left.mT, upper=False)
    totals = as_numpy(white.square().sum((-2, -1)))
    transforms = np.clip(stats.chi2.cdf(totals, free), 0.0, 1.0)
    return [
        Finding(
            "pooled chi-square",
            decide.chi_square(
                float(totals.sum()),
                free * replicates,
                alpha=trial.alpha,
                matters=SCALE_THAT_MATTERS,
                draws=replicates,
            ),
        ),
        Finding(
            "shape of the law",
            decide.uniform_law(transforms, alpha=trial.alpha, matters=DISTANCE_THAT_MATTERS),
        ),
    ]


NOISE_LAW = Check(
    claim_id="LR-11",
    space=ScenarioSpace(
        axes=setup.NOISY_BATCH,
        anchors=setup.paper_batches(step_size=0.01, noise_std=0.1),
    ),
    measure=measure_noise,
    decisions=2,
)
