"""Drawn problems near whose solution an update map is differentiated."""

from dataclasses import dataclass

import numpy as np
import torch

from lpfl.optim.core.method import Method
from lpfl.problems import linear_representation as model
from lpfl.seeding import generator
from lpfl.verify.setups.linear.jacobian import moving_eigenvalues, update_jacobian

SEEDS = range(12)
TOLERANCE = 1e-6  # central differences (1e-10) times the condition numbers drawn here


@dataclass(frozen=True)
class Drawn:
    """A truth of random sizes and spectra, and step sizes from slow to unstable."""

    truth: model.LinearRepresentation
    head_eigenvalues: np.ndarray
    step_size: float
    head_step_size: float
    stream: torch.Generator

    @property
    def sizes(self) -> dict[str, int]:
        m, k = self.truth.head_star.shape[-2:]
        return {"rank": k, "output_dim": m}

    @property
    def white(self) -> model.Batch:
        """The moments of infinitely many isotropic inputs."""
        d = self.truth.cov_x.shape[-1]
        return model.Batch(
            torch.eye(d, dtype=torch.float64).expand(1, d, d), self.truth.product_star
        )

    @property
    def solution(self) -> model.Weights:
        return model.Weights(self.truth.head_star, self.truth.representation_star)


def drawn(seed: int, *, square_head: bool = False) -> Drawn:
    """Draw k in 1..3, d from k + 1, m from k (exactly k if ``square_head``)."""
    stream = generator(seed, "local rate")
    k = 1 + seed % 3
    d, m = k + 1 + (seed // 3) % 4, k if square_head else k + seed % 4
    lam = 0.3 + 2.0 * torch.rand(k, generator=stream, dtype=torch.float64)
    spread = 0.3 + 2.0 * torch.rand(d, generator=stream, dtype=torch.float64)
    basis = model.draw_representation(1, d - 1, d, stream)[0] if d > 1 else None
    assert basis is not None
    turn = torch.linalg.qr(torch.cat([basis, torch.ones(1, d, dtype=torch.float64)]).mT)[0]
    cov = (turn * spread) @ turn.mT
    root = (turn * spread.sqrt()) @ turn.mT
    steps = 0.1 + 1.8 * torch.rand(2, generator=stream, dtype=torch.float64)
    truth = model.LinearRepresentation(
        head_star=model.draw_head(1, lam, m, stream),
        representation_star=model.draw_representation(1, k, d, stream),
        cov_x=(cov + cov.mT) / 2,
        root=root,
        noise_std=0.0,
    )
    return Drawn(truth, lam.numpy(), float(steps[0]), float(steps[1]), stream)


def largest(jacobian: np.ndarray) -> float:
    return float(np.abs(np.linalg.eigvals(jacobian)).max())


def largest_moving(method: Method, solution: model.Weights, batch: model.Batch) -> float:
    jacobian = update_jacobian(method, solution, batch)
    return float(np.abs(moving_eigenvalues(jacobian, solution)).max())
