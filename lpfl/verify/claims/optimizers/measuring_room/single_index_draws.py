"""OP-40: teachers, rows and moments of single-index problems beside their laws."""

from collections.abc import Iterator

import numpy as np
import torch

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.problems import single_index as model
from lpfl.problems.single_index import moments as sampler
from lpfl.verify.check import check
from lpfl.verify.expect import ChiSquare, Comparison, Same
from lpfl.verify.setups.drawing import SIZE
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of

SIZES = (Integers("input_dim", 3, 8), Integers("row_count", 4, 12))


@check("OP-40", (*SIZES, Reals("noise_std", 0.1, 2.0)), decisions=4)
def single_index_draws(trial: Trial) -> Iterator[Comparison]:
    """Whiten the rows and moments of single-index problems and add up squares."""
    trial.admit()
    d, n = trial.input_dim, trial.row_count
    spec = CovarianceSpec(d, "geometric", 1.0, "haar", 0)
    sigma = trial.tensor(spec.matrix())
    precision = torch.linalg.inv(sigma)
    replicates = trial.replicates(SIZE.replicates(trial.alpha, n))
    problem = model.draw_problem(
        sigma, replicates=replicates, generator=trial.stream("teacher"), link="identity",
        noise_std=trial.noise_std,
    )  # fmt: skip
    exact = rounding(trial.dtype, dim=4 * d, condition=condition_of(sigma))
    power = ((problem.teacher @ sigma) * problem.teacher).sum(-1)
    yield Same(part="teacher", measured=power, predicted=1.0, tolerance=exact)
    rows = model.sample(problem, n, generator=trial.stream("rows"))
    drawn = sampler.sample_moments(problem, n, generator=trial.stream("moments"))
    own = sampler.moments(sampler.plain_rows(rows))
    X, y = as_numpy(rows.inputs), as_numpy(rows.targets)
    for label, found, asked in (
        ("second moment", own.second_moment, np.swapaxes(X, 1, 2) @ X / n),
        ("cross-moment", own.cross_moment, np.einsum("rnd,rn->rd", X, y) / n),
        ("mean of inputs", own.input_mean, X.mean(1)),
        ("mean of targets", own.target_mean, y.mean(1)),
        ("power of targets", own.target_power, np.square(y).mean(1)),
    ):
        yield Same(
            part="moments", measured=found, predicted=asked, label=label, scale=np.abs(X).max() ** 2
            + np.abs(y).max() ** 2, tolerance=rounding(trial.dtype, dim=n),
        )  # fmt: skip
    for label, moment in (("rows", own.second_moment), ("moments", drawn.second_moment)):
        totals = n * (precision @ moment).diagonal(dim1=-2, dim2=-1).sum(-1)
        free = round(trial.number("inputs", batch_size=n))
        yield ChiSquare(part="inputs", totals=as_numpy(totals), dof=free, scale=SIZE, unit=free,
                        label=label)  # fmt: skip
    free = round(trial.number("index", batch_size=n))
    beta = problem.teacher[:, :, None]
    index = n * (beta.mT @ drawn.second_moment @ beta).flatten()
    yield ChiSquare(part="index", totals=as_numpy(index), dof=free, scale=SIZE, unit=free)
    rest = drawn.target_power - 2.0 * (drawn.cross_moment * problem.teacher).sum(-1) + index / n
    noise = n * rest / trial.noise_std**2
    yield ChiSquare(part="noise", totals=as_numpy(noise), dof=free, scale=SIZE, unit=free)
