"""Problems, batches and gradient sequences that the optimizer tests share."""

import torch
from torch import Tensor

from lpfl.linalg import haar
from lpfl.problems.linear_representation import (
    Batch,
    LinearRepresentation,
    Weights,
    draw_head,
    draw_representation,
    sample,
    tilt,
)
from lpfl.seeding import generator


def problem(
    replicates: int = 2,
    d: int = 6,
    m: int = 4,
    k: int = 2,
    *,
    noise_std: float = 0.3,
    dtype: torch.dtype = torch.float64,
) -> tuple[LinearRepresentation, Weights]:
    """Return a problem with covariance eigenvalues in [1/2, 2] and a start 30 degrees off."""
    stream = generator(11, "problem", replicates, d, m, k)
    head_eigenvalues = torch.linspace(1.0, 2.0, k, dtype=dtype)
    head_star = draw_head(replicates, head_eigenvalues, m, stream)
    representation_star = draw_representation(replicates, k, d, stream, dtype)
    eigenvalues = torch.logspace(-1, 1, d, base=2.0, dtype=dtype)
    U = haar(1, d, stream, dtype)[0]
    cov_x, root = ((U * eigenvalues**power) @ U.T for power in (1.0, 0.5))
    cov_x, root = ((S + S.T) / 2 for S in (cov_x, root))
    start = tilt(representation_star, 0.577, stream)
    head = head_star + 0.3 * torch.randn(replicates, m, k, generator=stream, dtype=dtype)
    truth = LinearRepresentation(head_star, representation_star, cov_x, root, noise_std)
    return truth, Weights(head, start)


def batches(truth: LinearRepresentation, count: int, rows: int = 40) -> list[Batch]:
    """Return ``count`` independent batches."""
    return [sample(truth, rows, generator(12, "batch", t)) for t in range(count)]


def one(item: Weights | Batch, r: int) -> Weights | Batch:
    """Return replicate ``r`` alone, its leading axis kept."""
    return type(item)(*[None if part is None else part[r : r + 1] for part in item])


def gradient_sequence(
    rows: int, columns: int, count: int = 6, *, dtype: torch.dtype = torch.float64
) -> list[Tensor]:
    """Return ``count`` different matrices with singular values in [1/2, 1]."""
    size = min(rows, columns)
    singular = torch.linspace(0.5, 1.0, size, dtype=torch.float64)
    sequence = []
    for t in range(count):
        stream = generator(13, "gradient", rows, columns, t)
        left, right = haar(1, rows, stream)[0], haar(1, columns, stream)[0]
        sequence.append(((left[:, :size] * singular) @ right[:size]).to(dtype))
    return sequence


def relative(found: Tensor, expected: Tensor) -> float:
    """Return |found - expected| / |expected| in the Frobenius norm."""
    return float(torch.linalg.vector_norm(found - expected) / torch.linalg.vector_norm(expected))
