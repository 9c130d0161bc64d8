"""The linear problem of the races: near its solution, with noise that the rows must average out."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl.linalg import tangent_matrix
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.problems.linear_representation import LinearRepresentation, Weights
from lpfl.seeding import generator

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """Diagonal Sigma and F*, G* = [I 0]: the modes of the local problem are its entries.

    heads (k,): eigenvalues of H = F*'F*. inputs (d,): those of Sigma, the first k in the rows of
    G*. accuracy: the E|T|^2 that is wanted; start: |T_0|^2, all of it in the slowest mode. rows:
    how many rows the Cramer-Rao bound needs for the accuracy; it fixes the noise.
    """

    heads: Array
    inputs: Array
    output_dim: int
    accuracy: float
    start: float
    rows: float

    @property
    def input_dim(self) -> int:
        return self.inputs.size

    @property
    def rank(self) -> int:
        return self.heads.size

    @property
    def schurs(self) -> Array:
        """The eigenvalues of Sigma_s; no input in the row space of G* correlates with another."""
        return self.inputs[self.rank :]

    @property
    def tangent_noise(self) -> float:
        """A = sigma^2 tr H^-1 tr Sigma_s^-1: what one row leaves in |T|^2 at best."""
        return self.accuracy * self.rows

    @property
    def noise_std(self) -> float:
        spread = float((1 / self.heads).sum() * (1 / self.schurs).sum())
        return float(np.sqrt(self.tangent_noise / spread))

    @property
    def slowest(self) -> tuple[int, int]:
        """The row and the column of T with the smallest curvature."""
        return int(self.heads.argmin()), int(self.schurs.argmin())

    def problem(self, replicates: int, device: str) -> LinearRepresentation:
        """Return the problem, the same one for every replicate."""
        d, k, m = self.input_dim, self.rank, self.output_dim
        eye = torch.eye(max(d, m), dtype=torch.float64, device=device)
        head = eye[:m, :k] * torch.as_tensor(np.sqrt(self.heads), device=device)
        spectrum = torch.as_tensor(self.inputs, device=device)
        return LinearRepresentation(
            head.expand(replicates, m, k),
            eye[:k, :d].expand(replicates, k, d),
            torch.diag(spectrum),
            torch.diag(spectrum.sqrt()),
            self.noise_std,
        )

    def begin(self, problem: LinearRepresentation) -> Weights:
        """Return the true head, and G* moved by T_0."""
        T = torch.zeros(self.rank, self.schurs.size, dtype=torch.float64, device="cpu")
        T[self.slowest] = self.start**0.5
        shift = T.to(problem.complement) @ problem.complement
        return Weights(problem.head_star, problem.representation_star + shift)


def squares(weights: Weights, problem: LinearRepresentation) -> Tensor:
    """Return |T|_F^2 per replicate."""
    T = tangent_matrix(weights.representation, problem.representation_star, problem.complement)
    return T.square().sum((-2, -1))


def mild_truth(
    *, input_dim: int = 10, rank: int = 2, condition: float = 8.0, head: float = 4.0
) -> Truth:
    """Return geometric spectra of mean 1; condition and head: largest over smallest eigenvalue.

    The eigenvalues of the inputs stand in a mixed order, the same in every run.
    """
    inputs = CovarianceSpec(input_dim, "geometric", float(np.log10(condition))).spectrum()
    stream = generator(0, "variants", "order of the inputs")
    order = torch.randperm(input_dim, generator=stream, device="cpu")
    heads = head ** (-np.arange(rank) / max(rank - 1, 1))
    return Truth(
        heads * rank / heads.sum(),
        np.asarray(inputs)[order.numpy()],
        output_dim=rank + 1,
        accuracy=1e-6,
        start=5e-5,
        rows=5000.0,
    )
