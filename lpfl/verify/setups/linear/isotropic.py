"""AMGD on isotropic inputs: starts along one eigenvector of the head's Gram matrix."""

import torch
from torch import Tensor

from lpfl import linalg
from lpfl.problems import linear_representation as model


def head_modes(problem: model.LinearRepresentation) -> tuple[Tensor, Tensor]:
    """Return the eigenvalues (R, k), ascending, and eigenvectors (R, k, k) of F*'F*."""
    values, vectors = torch.linalg.eigh(problem.head_star.mT @ problem.head_star)
    return values, vectors


def start_along(problem: model.LinearRepresentation, direction: Tensor, tangent: Tensor) -> Tensor:
    """Return orthonormal rows whose tangent matrix is ``tangent direction w'`` (R, k, d).

    direction (R, k) is a unit vector in the row space of G*, w the first complement row.
    """
    T = tangent[:, None, None] * direction[:, :, None] * problem.complement[:, :1]
    return linalg.orthonormal_rows(problem.representation_star + T)


def tangent_along(G: Tensor, problem: model.LinearRepresentation, direction: Tensor) -> Tensor:
    """Return the signed entry of T along ``direction w'`` (R,), w the first complement row."""
    T = linalg.tangent_matrix(G, problem.representation_star, problem.complement)
    return (direction[:, :, None] * T[..., :1]).sum((-2, -1))


def sine(tangent: Tensor) -> Tensor:
    """Return the sine of the angle with this signed tangent."""
    return tangent / (1.0 + tangent.square()).sqrt()
