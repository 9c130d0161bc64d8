"""Ridge fit of the second layer on the features of a fixed first layer, and its errors.

``min_a (1/n) |y - F a|^2 + penalty |a|^2`` with features and targets centred over the fitting
sample (equivalently, an unpenalised intercept). Rows are fresh, or those of the step itself:
the caller chooses the sample, the prediction of theory is for fresh rows.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from lpfl import guards
from lpfl.linalg.damped import damped_solve
from lpfl.problems.single_index import Sample, SingleIndexProblem, sample
from lpfl.problems.single_index.network import TwoLayerNetwork, features


@dataclass(frozen=True)
class RidgeFit:
    """Coefficients a (R, N) and intercept (R,) of ``F a + intercept``, with the train error (R,).

    ``train_error`` is the mean squared error on the fitting sample, penalty not included.
    """

    coefficients: Tensor
    intercept: Tensor
    train_error: Tensor


@guards.on_tensors
def fit_ridge(F: Tensor, y: Tensor, *, penalty: float) -> RidgeFit:
    """Fit targets y (R, n) on features F (R, n, N) with an intercept.

    Solves the smaller of the N-by-N and the n-by-n system.
    Units: penalty in squared features.
    Raises: ValueError if penalty is not > 0.
    """
    penalty = guards.number("penalty", penalty, above=0.0)
    guards.tensor("F", F, 3)
    n, width = F.shape[-2:]
    guards.tensor("y", y, 2, last=n)
    mean_F, mean_y = F.mean(-2), y.mean(-1)
    Fc, yc = F - mean_F[:, None, :], y - mean_y[:, None]
    if width <= n:
        moment = torch.einsum("rnk,rn->rk", Fc, yc) / n
        a = damped_solve(Fc.mT @ Fc / n, moment, damping=penalty)
    else:
        dual = damped_solve(Fc @ Fc.mT / n, yc, damping=penalty)
        a = torch.einsum("rnk,rn->rk", Fc, dual) / n
    residual = yc - torch.einsum("rnk,rk->rn", Fc, a)
    return RidgeFit(a, mean_y - (mean_F * a).sum(-1), residual.square().mean(-1))


@guards.on_tensors
def predict(fit: RidgeFit, F: Tensor) -> Tensor:
    """Return the fitted values (R, m) on features (R, m, N)."""
    return torch.einsum("rnk,rk->rn", F, fit.coefficients) + fit.intercept[:, None]


@guards.on_tensors
def fit_and_test(
    network: TwoLayerNetwork, rows: Sample, test: Sample, *, penalty: float
) -> tuple[RidgeFit, Tensor]:
    """Fit the second layer on ``rows``; return the fit and its mean squared error (R,) on ``test``.

    For several networks on the same samples, which are then drawn once.
    Raises: ValueError as ``fit_ridge``.
    """
    fit = fit_ridge(features(network, rows.inputs), rows.targets, penalty=penalty)
    error = test.targets - predict(fit, features(network, test.inputs))
    return fit, error.square().mean(-1)


@guards.on_tensors
def error_on_fresh_rows(
    problem: SingleIndexProblem,
    network: TwoLayerNetwork,
    fit: RidgeFit,
    *,
    rows: int,
    generator: torch.Generator,
    chunk: int = 2048,
) -> Tensor:
    """Return the mean squared error (R,) on fresh rows, drawn and evaluated chunk by chunk.

    The targets carry their noise, so noise_std^2 is part of the error.
    Raises: ValueError if rows or chunk is below 1.
    """
    rows, chunk = guards.count("rows", rows), guards.count("chunk", chunk)
    total = torch.zeros_like(fit.intercept)
    for start in range(0, rows, chunk):
        fresh = sample(problem, min(chunk, rows - start), generator=generator)
        error = fresh.targets - predict(fit, features(network, fresh.inputs))
        total += error.square().sum(-1)
    return total / rows


@dataclass(frozen=True)
class RidgeErrors:
    """Train and test error (R,) of the second layer, and the data it was fitted on."""

    train: Tensor
    test: Tensor
    data: Literal["fresh", "same"]


@guards.on_tensors
def refit_errors(
    problem: SingleIndexProblem,
    network: TwoLayerNetwork,
    *,
    penalty: float,
    fit_rows: int,
    test_rows: int,
    generator: torch.Generator,
    same_rows: Sample | None = None,
) -> RidgeErrors:
    """Refit the second layer behind a stepped first layer and return its errors.

    The fit uses ``fit_rows`` fresh rows (data "fresh"), or ``same_rows``, the rows of the step,
    where they are given (data "same": another law, for which no prediction is claimed).
    Raises: ValueError as ``fit_ridge`` and ``error_on_fresh_rows``, and if ``same_rows`` does not
            have fit_rows rows.
    """
    rows = same_rows or sample(problem, fit_rows, generator=generator)
    if rows.targets.shape[-1] != fit_rows:
        raise ValueError(f"same_rows has {rows.targets.shape[-1]} rows, needs {fit_rows}")
    fit = fit_ridge(features(network, rows.inputs), rows.targets, penalty=penalty)
    test = error_on_fresh_rows(problem, network, fit, rows=test_rows, generator=generator)
    return RidgeErrors(fit.train_error, test, "same" if same_rows else "fresh")
