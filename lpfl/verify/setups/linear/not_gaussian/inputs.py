"""Batches of other input laws, and what one step with the population's covariance makes of T."""

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from lpfl import linalg
from lpfl.linalg import standard_normal
from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation import input_laws as laws
from lpfl.verify.expect import Near, Rival
from lpfl.verify.setups.linear import input_factor as factors
from lpfl.verify.tolerance import Tolerance, finite_size, judgement
from lpfl.verify.trial import Trial
from theory.linear_representation import inverse_scale

SMALL_TANGENT = 1e-4
QUARTER = judgement(0.25, "a quarter of the distance of the nearest rival, for the sampling")
# The next order over d/n^2: larger than any seen at d = 4 to 16, n = 40 to 96 and 5/2 d.
COMPONENTS_NEXT = 0.8


def rows_of(trial: Trial, law: str) -> int:
    """Return the rows of a batch: few where no batch is singular, to tell n - d from n."""
    return 5 * int(trial.input_dim) // 2 if law == "laplace" else int(trial.batch_size)


def rival_inverse(trial: Trial, law: str, predicted: float) -> Rival:
    """Return the nearest other multiple of the inverse for components of a law."""
    n, d = rows_of(trial, law), trial.input_dim
    if law != "laplace":
        return Rival("Gaussian inputs", inverse_scale(n=n, d=d))
    return Rival("g_4/n for g_4/(n − d)", predicted - laws.EXCESS_KURTOSIS[law] * d / (n * (n - d)))


def next_order(trial: Trial, coefficient: float, rows: int) -> Tolerance:
    """Return the term of order d/n^2 that a multiple of the inverse leaves out."""
    why = f"{coefficient} d/n^2, the next order"
    return finite_size(coefficient * trial.input_dim / rows**2, why)


def compared(
    part: str,
    samples: ArrayLike,
    predicted: float,
    rival: Rival,
    next_order: Tolerance,
    label: str,
    share: Tolerance = QUARTER,
) -> Near:
    """Compare a mean with its prediction, up to a share of the distance of the rival."""
    return Near(
        part=part,
        label=label,
        samples=samples,
        predicted=predicted,
        tolerance=next_order + share.times(abs(predicted - rival.value), "of it"),
        rival=rival,
    )


def scales_of(trial: Trial, name: str) -> tuple[float, ...]:
    """Return two or three equally likely squared scales of a row, with mean 1."""
    spread = trial.scale_spread
    return (1 - spread, 1.0, 1 + spread) if name == "three" else (1 - spread, 1 + spread)


def drawn_batch(
    trial: Trial,
    problem: model.LinearRepresentation,
    law: str,
    stream: torch.Generator,
    rows: int | None = None,
) -> model.Batch:
    """Return a batch with a law of components, or of rows with drawn scales."""
    shape = (len(problem.head_star), rows or int(trial.batch_size), trial.input_dim)
    return laws.batch_of_white(problem, white_rows(trial, law, shape, stream), stream)


def white_rows(trial: Trial, law: str, shape: tuple[int, ...], stream: torch.Generator) -> Tensor:
    """Return white rows (R, n, d) of a law of components, or of drawn scales."""
    if law in laws.EXCESS_KURTOSIS:
        return laws.component_rows(law, *shape, generator=stream, dtype=trial.dtype)
    scales = scales_of(trial, law)
    return laws.scaled_rows(scales, *shape, generator=stream, dtype=trial.dtype)


def responses(
    trial: Trial, problem: model.LinearRepresentation, law: str, stream: torch.Generator
) -> Tensor:
    """Return <T_+, T>/|T|^2 and |T_+|^2/|T|^2 (2, R) of one noiseless step from random T.

    T in the metric of Sigma_s. To the first, eta times the batch's own moment along T less its mean
    1 is added, which has mean 0 and takes away most of the spread.
    """
    G_star, B, Sigma = problem.representation_star, problem.complement, problem.cov_x
    count, k, d = G_star.shape
    frame = factors.Frame.of(problem)
    white = SMALL_TANGENT * standard_normal(count, k, d - k, generator=stream, dtype=trial.dtype)
    T = frame.tangents(white)
    start = model.Weights(problem.head_star, G_star + T @ B)
    method = kfac.kfac(step_size=trial.step_size, input_factor="separate")
    batches = (drawn_batch(trial, problem, law, stream), model.population_batch(problem))
    after, _ = method.step(start, method.init(start), batches)
    moved = linalg.tangent_matrix(after.representation, G_star, B) @ frame.complement_root
    size = white.square().sum((-2, -1))
    along = (moved * white).sum((-2, -1)) / size
    fitted = torch.linalg.solve(G_star @ Sigma @ G_star.mT, G_star @ Sigma @ B.mT)
    rest = T @ (B - fitted.mT @ G_star)  # what the best head leaves of T B x
    own = (rest @ batches[0].cov_x * rest).sum((-2, -1)) / size
    steered = along + trial.step_size * (own - 1.0)
    return torch.stack([steered, moved.square().sum((-2, -1)) / size])
