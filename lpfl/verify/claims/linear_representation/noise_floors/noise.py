"""LR-11: the exact Gaussian law of the noise that one KFAC step injects."""

from collections.abc import Iterator

import torch
from scipy import stats

from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import ChiSquare, Comparison, Scale, UniformLaw
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.tolerance import judgement
from lpfl.verify.trial import Trial, as_numpy

POOLED = Scale(1.25, "judgement: noise a quarter too large doubles a floor's distance from zero")
SHAPE = judgement(0.5, "a law of another family, such as one value for all, is this far away")
LEAST_REPLICATES = 128  # the shape of a law needs this many draws at the distance above
START_TANGENT = 0.5


@check(
    "LR-11",
    setup.NOISY_BATCH,
    anchors=setup.paper_batches(step_size=0.01, noise_std=0.1),
    decisions=2,
)
def noise_law(trial: Trial) -> Iterator[Comparison]:
    """Whiten the noise of one step with the predicted factors: a chi-square per replicate."""
    yield from exact_parts(trial)
    free = round(trial.number("degrees"))
    replicates = trial.replicates(POOLED.replicates(trial.alpha, free, least=LEAST_REPLICATES))
    problem = setup.draw_truth(trial, replicates=replicates, noise_std=trial.noise_std)
    batch = setup.draw_batch(trial, problem)
    F = setup.draw_head(trial, replicates=replicates)
    G = model.tilt(problem.representation_star, START_TANGENT, trial.stream("start"))
    grad_G = model.gradients(model.Weights(F, G), batch).representation
    G_next = kfac.kfac_step(G, F, grad_G, batch.cov_x, step_size=trial.step_size)
    B = problem.complement
    noise = (G_next - (1.0 - trial.step_size) * G) @ B.mT / trial.step_size

    values = {
        "F": as_numpy(F),
        "Sigmahat": as_numpy(batch.cov_x),
        "G^*": as_numpy(problem.representation_star),
        "sigma": trial.noise_std,
    }
    rows = trial.tensor(setup.evaluate_definition(trial, "R_h", values))
    columns = B @ trial.tensor(setup.evaluate_definition(trial, "C_h", values)) @ B.mT
    left = torch.linalg.solve_triangular(torch.linalg.cholesky(rows), noise, upper=False)
    white = torch.linalg.solve_triangular(torch.linalg.cholesky(columns), left.mT, upper=False)
    totals = as_numpy(white.square().sum((-2, -1)))
    yield ChiSquare(
        part="degrees", totals=totals, dof=free, scale=POOLED, unit=free, label="pooled"
    )
    transforms = stats.chi2.cdf(totals, free)
    yield UniformLaw(part="degrees", transforms=transforms, distance=SHAPE, label="shape")
