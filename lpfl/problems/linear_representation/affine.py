"""Two linear layers with biases, y = F (G x + b) + c, in homogeneous coordinates.

The constant 1 is one more input of each layer: the weights are [G b] (R, k, d + 1) and [F c]
(R, m, k + 1), and the moments of a batch are those of (x, 1).
"""

import torch
from torch import Tensor

from lpfl.linalg import require_finite, standard_normal
from lpfl.problems.linear_representation.model import (
    Batch,
    LinearRepresentation,
    Weights,
    batch_of_rows,
)


def with_constant(rows: Tensor) -> Tensor:
    """Return rows (..., n, d) with a last column of ones."""
    return torch.cat([rows, rows.new_ones(*rows.shape[:-1], 1)], dim=-1)


def homogeneous(representation: Tensor) -> Tensor:
    """Return the map (R, k + 1, d + 1) of (x, 1) to (h, 1) for weights [G b]."""
    last = torch.zeros_like(representation[..., :1, :])
    last[..., -1] = 1.0
    return torch.cat([representation, last], dim=-2)


def affine_product(weights: Weights) -> Tensor:
    """Return [F G, F b + c] (R, m, d + 1), which maps (x, 1) to the output."""
    return weights.head @ homogeneous(weights.representation)


def affine_gradients(weights: Weights, batch: Batch) -> Weights:
    """Return the gradients of 1/(2n) sum |y - F (G x + b) - c|^2 in [F c] and [G b]."""
    over = homogeneous(weights.representation)
    residual = weights.head @ over @ batch.cov_x - batch.cross
    F = weights.head[..., :-1]
    return Weights(residual @ over.mT, F.mT @ residual)


def affine_truth(problem: LinearRepresentation) -> Weights:
    """Return the truth with biases 0."""
    heads, rows = problem.head_star, problem.representation_star
    return Weights(*(torch.cat([W, torch.zeros_like(W[..., :1])], dim=-1) for W in (heads, rows)))


def affine_population(problem: LinearRepresentation, mean: Tensor) -> Batch:
    """Return the moments of (x, 1) at infinite batch size; x has this mean (d,), y = F*G*x."""
    replicates, d = problem.head_star.shape[0], problem.cov_x.shape[-1]
    require_mean(mean, d)
    column = mean.unsqueeze(-1)
    corner = mean.new_ones(1, 1)
    moment = torch.cat(
        [
            torch.cat([problem.cov_x + column @ column.mT, column], dim=-1),
            torch.cat([column.mT, corner], dim=-1),
        ],
        dim=-2,
    ).expand(replicates, d + 1, d + 1)
    return Batch(moment, problem.product_star @ moment[..., :-1, :])


def affine_sample(
    problem: LinearRepresentation, mean: Tensor, batch_size: int, generator: torch.Generator
) -> Batch:
    """Draw rows x ~ N(mean, Sigma), y = F*G*x + noise; the batch holds the rows (x, 1)."""
    if batch_size < 1:
        raise ValueError(f"batch_size={batch_size}, needs >= 1")
    replicates, m, _ = problem.head_star.shape
    d = problem.cov_x.shape[-1]
    require_mean(mean, d)
    dtype = problem.head_star.dtype
    white = standard_normal(replicates, batch_size, d, generator=generator, dtype=dtype)
    rows = white @ problem.root + mean
    noise = standard_normal(replicates, batch_size, m, generator=generator, dtype=dtype)
    targets = rows @ problem.product_star.mT + problem.noise_std * noise
    return batch_of_rows(with_constant(rows), targets)


def require_mean(mean: Tensor, dim: int) -> None:
    """Raise ValueError unless ``mean`` is a finite vector of this length."""
    if tuple(mean.shape) != (dim,):
        raise ValueError(f"mean has shape {tuple(mean.shape)}, needs ({dim},)")
    require_finite("mean", mean)
