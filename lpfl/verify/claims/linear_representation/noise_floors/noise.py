"""LR-11: the exact Gaussian law of the noise that one KFAC step injects."""

from collections.abc import Iterator

import numpy as np
import torch
from scipy import stats

from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import ChiSquare, Comparison, Same, Scale, UniformLaw
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.stated import same_function
from lpfl.verify.tolerance import judgement, rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of
from theory.linear_representation.noise_floors.noise import noise_pivot, noise_pivot_degrees

POOLED = Scale(1.25, "judgement: noise a quarter too large doubles a floor's distance from zero")
SHAPE = judgement(0.5, "a law of another family, such as one value for all, is this far away")
LEAST_REPLICATES = 128  # the shape of a law needs this many draws at the distance above
START_TANGENT = 0.5
FEW = 4


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
    frame = [as_numpy(x) for x in (noise, rows, columns)]
    pivots = [
        noise_pivot(Z, row_covariance=(R + R.T) / 2, column_covariance=(C + C.T) / 2)
        for Z, R, C in zip(*(x[:FEW] for x in frame), strict=True)
    ]
    yield Same(
        part="degrees",
        measured=totals[:FEW],
        predicted=np.array(pivots),
        tolerance=rounding(trial.dtype, dim=trial.input_dim, condition=condition_of(rows, columns)),
        label="squared norm in the metric of both factors",
    )
    stated = noise_pivot_degrees(rank=trial.rank, input_dim=trial.input_dim)
    yield same_function("degrees", stated, free)
    yield ChiSquare(
        part="degrees", totals=totals, dof=free, scale=POOLED, unit=free, label="pooled"
    )
    transforms = stats.chi2.cdf(totals, free)
    yield UniformLaw(part="degrees", transforms=transforms, distance=SHAPE, label="shape")
