"""One step of the empirical natural gradient from the truth: its noise at next order (LR-21)."""

from dataclasses import replace

import torch

from lpfl import linalg
from lpfl.optim import ngd_empirical
from lpfl.problems import linear_representation as model
from lpfl.verify.expect import Near, Rival
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.jacobian import schur_spectrum
from lpfl.verify.tolerance import finite_size, judgement
from lpfl.verify.trial import Trial, as_numpy

INPUTS, MOST_OUTPUTS = 6, 2  # few, so that the correction is large and rows are cheap
ROWS_PER_PARAMETER = 25
NOISE_STD = 0.002
MOST_LOG10_COND = 0.5  # a few directions would hold most of |T|^2 beyond it
SPREAD2 = 0.35  # squared relative spread of a steered square, as seen
SHARE = judgement(0.35, "a third of the distance of the rival, for the sampling")
HALF_WIDTH = 0.3
NEXT = 0.6  # over the square of the correction; up to 0.5 seen
CHUNK = 1000  # replicates at a time


def first_noise(trial: Trial) -> Near:
    """The mean of |T|^2 after one step. The square of the step with the true Fisher matrix, less
    its mean, is taken from it: most of the spread of both is the same.
    """
    m = min(int(trial.output_dim), MOST_OUTPUTS)
    parameters = m + INPUTS - 1
    n = ROWS_PER_PARAMETER * parameters
    sizes = {"input_dim": INPUTS, "rank": 1, "output_dim": m, "batch_size": n}
    drawn = trial.covariance
    covariance = replace(drawn, dim=INPUTS, log10_cond=min(drawn.log10_cond, MOST_LOG10_COND))
    scenario = Scenario({**trial.scenario, **sizes, "covariance": covariance})
    trial = replace(trial, scenario=scenario, memory={})
    truth = setup.draw_truth(trial, replicates=1, noise_std=NOISE_STD)
    alpha = trial.effective_step
    method = ngd_empirical.ngd_empirical(step_size=alpha * NOISE_STD**2)
    setup.admit(trial, truth, batch_size=n, step_size=method.hyperparameters["step_size"])
    unit = float((NOISE_STD**2 / schur_spectrum(truth)).sum() / n)  # tr(H^-1) is 1
    predicted = float(trial.number("first_noise"))
    fewer = n / (n - parameters - 1)
    width = HALF_WIDTH * abs(predicted - fewer) / predicted
    replicates = trial.replicates(floors.replicates_for(SPREAD2, width))
    stream, found = trial.stream("first noise"), []
    for first in range(0, replicates, CHUNK):
        some = setup.repeated(truth, min(CHUNK, replicates - first))
        batch = model.sample(some, n, stream)
        F, G, B = some.head_star, some.representation_star, truth.complement
        after, _ = method.step(model.Weights(F, G), {}, batch)
        moved = linalg.tangent_matrix(after.representation, G, B)
        noise = batch.cross - some.product_star @ batch.cov_x
        linear = F.mT @ noise @ torch.linalg.solve(some.cov_x, B.mT)
        squares = [T.square().sum((-2, -1)) / unit for T in (moved / alpha, linear)]
        found.append(squares[0] - squares[1] + 1.0)
    correction = predicted - 1.0
    return Near(
        part="first_noise",
        samples=as_numpy(torch.cat(found)),
        predicted=predicted,
        tolerance=finite_size(NEXT * correction**2, f"{NEXT} times the correction squared")
        + SHARE.times(abs(predicted - fewer), "of it"),
        rival=Rival("n − N_q − 1 for n", fewer),
    )
