"""The modes of the tangents: eigenvectors of H and of Sigma_s."""

from typing import NamedTuple

import torch
from torch import Tensor

from lpfl import linalg
from lpfl.linalg.spectral import psd_power
from lpfl.problems import linear_representation as model


class Modes(NamedTuple):
    """Eigenvalues of H (R, k) and of Sigma_s (R, d-k), with their eigenvectors in columns."""

    heads: Tensor
    left: Tensor
    schurs: Tensor
    right: Tensor

    @property
    def products(self) -> Tensor:
        """Every lambda mu, (R, k, d-k)."""
        return self.heads.unsqueeze(-1) * self.schurs.unsqueeze(-2)

    def entries(self, tangents: Tensor) -> Tensor:
        """Return the entries (R, k, d-k) of T in the eigenbases."""
        return self.left.mT @ tangents @ self.right

    def whitened(self, tangents: Tensor) -> Tensor:
        """Return the entries in units of the noise, whose covariance is 1/(lambda mu)."""
        return self.entries(tangents) * self.products.sqrt()

    def coloured(self, white: Tensor) -> Tensor:
        """Return the tangents whose whitened entries are ``white``."""
        return self.left @ (white / self.products.sqrt()) @ self.right.mT


def modes_of(problem: model.LinearRepresentation) -> Modes:
    """Return the modes of the tangents."""
    F, B = problem.head_star, problem.complement
    inverse = B @ torch.linalg.solve(problem.cov_x, B.mT)
    return Modes(*torch.linalg.eigh(F.mT @ F), *torch.linalg.eigh(torch.linalg.inv(inverse)))


def whiteners(problem: model.LinearRepresentation) -> tuple[Tensor, Tensor]:
    """Return the roots of H (R, k, k) and of Sigma_s (R, d-k, d-k)."""
    F, B = problem.head_star, problem.complement
    inverse = B @ linalg.right_solve(B, problem.cov_x).mT
    return psd_power(F.mT @ F, 0.5), psd_power((inverse + inverse.mT) / 2, -0.5)


def frobenius(matrix: Tensor) -> Tensor:
    """Return the Frobenius norm (R, 1, 1)."""
    return matrix.square().sum((-2, -1), keepdim=True).sqrt()
