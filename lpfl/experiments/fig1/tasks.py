"""The tasks of figure 1: a training task, a transfer task with the same subspace, a start."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lpfl.linalg import haar, orthonormal_rows, right_solve
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.problems.linear_representation import (
    Batch,
    LinearRepresentation,
    Weights,
    draw_head,
    draw_representation,
    least_squares_head,
    sample,
)
from lpfl.seeding import generator


@dataclass(frozen=True)
class Sizes:
    """Sizes and difficulty of a pair of tasks; a condition number is largest over smallest."""

    input_dim: int = 100
    output_dim: int = 15
    rank: int = 8
    batch_size: int = 1024
    cov_condition: float = 100.0
    head_condition: float = 3.0
    noise_std: float = 0.1


@dataclass(frozen=True)
class Tasks:
    """The training task, the transfer task (own covariance and head, same G*) and the start."""

    train: LinearRepresentation
    transfer: LinearRepresentation
    start: Weights


def head_eigenvalues(rank: int, condition: float) -> Tensor:
    """Return eigenvalues (k,) of H = F*'F*, geometric, mean 1; ``condition`` is that of F*."""
    share = torch.arange(rank, dtype=torch.float64, device="cpu") / max(rank - 1, 1)
    raw = condition ** (-2.0 * share)
    return raw * (rank / raw.sum())


def covariance(
    replicates: int, dim: int, condition: float, stream: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return Sigma and its root (R, d, d): geometric spectrum of mean 1, Haar eigenvectors."""
    spec = CovarianceSpec(dim, "geometric", float(np.log10(condition)))
    eigenvalues = torch.from_numpy(spec.spectrum()).to(stream.device)
    basis = haar(replicates, dim, stream)
    Sigma, root = ((basis * v) @ basis.mT for v in (eigenvalues, eigenvalues.sqrt()))
    return (Sigma + Sigma.mT) / 2, (root + root.mT) / 2


def draw_tasks(sizes: Sizes, replicates: int, *, seed: int, path: str, device: str) -> Tasks:
    """Draw tasks and start for every replicate.

    The start: orthonormal rows drawn uniformly, so that the largest principal angle is close to
    90 degrees, and the least-squares head of these rows on infinite data.
    """
    lam = head_eigenvalues(sizes.rank, sizes.head_condition).to(device)
    common = generator(seed, "fig1", path, "subspace", device=device)
    G_star = draw_representation(replicates, sizes.rank, sizes.input_dim, common)
    problems = []
    for role in ("train", "transfer"):
        stream = generator(seed, "fig1", path, role, device=device)
        Sigma, root = covariance(replicates, sizes.input_dim, sizes.cov_condition, stream)
        F_star = draw_head(replicates, lam, sizes.output_dim, stream)
        problems.append(
            LinearRepresentation(F_star, G_star, Sigma, root, sizes.noise_std, "rademacher")
        )
    train, transfer = problems
    stream = generator(seed, "fig1", path, "start", device=device)
    G = orthonormal_rows(draw_representation(replicates, sizes.rank, sizes.input_dim, stream))
    F = least_squares_head(G, Batch(train.cov_x, train.product_star @ train.cov_x))
    return Tasks(train, transfer, Weights(F, G))


def batches(
    problem: LinearRepresentation, batch_size: int, *, seed: int, path: str
) -> Callable[[int], Batch]:
    """Return the function step -> fresh batch, the same batch whenever the step is the same."""
    device = problem.cov_x.device

    def draw(step: int) -> Batch:
        return sample(
            problem, batch_size, generator(seed, "fig1", path, "batch", step, device=device)
        )

    return draw


def transfer_excess(G: Tensor, transfer: LinearRepresentation) -> Tensor:
    """Return the excess loss of the best new head on frozen G (..., R, k, d), in [y]^2.

    Equals 1/2 tr F (S - S G'(G S G')^{-1} G S) F' with F = F* G* and S = Sigma of the task.
    Source: LR-26.
    """
    S, F = transfer.cov_x, transfer.product_star
    cross = F @ S @ G.mT
    explained = (right_solve(cross, G @ S @ G.mT) * cross).sum((-2, -1))
    return 0.5 * (((F @ S) * F).sum((-2, -1)) - explained).clamp(min=0.0)
