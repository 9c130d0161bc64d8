"""Linear algebra shared by models and measurements.

Convention for vec and Kronecker products: ``vec`` stacks the *columns* of a matrix, so that
``vec(A X B) = (B' (x) A) vec(X)``. All functions act on the last two axes and broadcast over
leading (replicate) axes.
"""

import math

import torch
from torch import Tensor


def require_finite(name: str, tensor: Tensor) -> None:
    """Raise ValueError if ``tensor`` holds a NaN or an infinity."""
    finite = torch.isfinite(tensor)
    if not bool(finite.all()):
        bad = int((~finite).sum())
        raise ValueError(f"{name} has {bad} of {tensor.numel()} entries not finite, needs 0")


def require_symmetric(name: str, matrix: Tensor) -> None:
    """Raise ValueError if ``matrix`` is not symmetric to rounding."""
    if matrix.shape[-1] != matrix.shape[-2]:
        raise ValueError(f"{name} has shape {tuple(matrix.shape)}, needs a square matrix")
    require_finite(name, matrix)
    scale = float(matrix.abs().max())
    gap = float((matrix - matrix.mT).abs().max())
    bound = 8 * matrix.shape[-1] * torch.finfo(matrix.dtype).eps * scale
    if gap > bound:
        raise ValueError(f"{name} is not symmetric: max|A - A'| = {gap:.3g}, needs <= {bound:.3g}")


def require_positive_definite(name: str, matrix: Tensor) -> None:
    """Raise ValueError unless ``matrix`` is symmetric with a positive Cholesky factor."""
    require_symmetric(name, matrix)
    _, info = torch.linalg.cholesky_ex(matrix)
    if bool((info != 0).any()):
        smallest = float(torch.linalg.eigvalsh(matrix)[..., 0].min())
        raise ValueError(f"{name} has smallest eigenvalue {smallest:.3g}, needs > 0")


def vec(matrix: Tensor) -> Tensor:
    """Stack the columns of ``matrix`` (..., a, b) into a vector (..., a b)."""
    return matrix.mT.reshape(*matrix.shape[:-2], -1)


def unvec(vector: Tensor, rows: int) -> Tensor:
    """Undo :func:`vec` for a matrix of ``rows`` rows."""
    return vector.reshape(*vector.shape[:-1], -1, rows).mT


def kron(A: Tensor, B: Tensor) -> Tensor:
    """Return the Kronecker product over the last two axes."""
    product = torch.einsum("...ij,...kl->...ikjl", A, B)
    return product.reshape(
        *product.shape[:-4], A.shape[-2] * B.shape[-2], A.shape[-1] * B.shape[-1]
    )


def right_solve(A: Tensor, S: Tensor) -> Tensor:
    """Return ``A S^{-1}`` for symmetric positive definite ``S`` through its Cholesky factor."""
    return torch.cholesky_solve(A.mT, torch.linalg.cholesky(S)).mT


def standard_normal(
    *shape: int, generator: torch.Generator, dtype: torch.dtype = torch.float64
) -> Tensor:
    """Draw independent standard normal numbers on the generator's device."""
    return torch.randn(shape, generator=generator, device=generator.device, dtype=dtype)


def haar(
    replicates: int, dim: int, generator: torch.Generator, dtype: torch.dtype = torch.float64
) -> Tensor:
    """Draw ``replicates`` Haar-distributed orthogonal matrices (replicates, dim, dim)."""
    gaussian = standard_normal(replicates, dim, dim, generator=generator, dtype=dtype)
    Q, R = torch.linalg.qr(gaussian)
    return Q * torch.diagonal(R, dim1=-2, dim2=-1).sign().unsqueeze(-2)


def orthonormal_rows(matrix: Tensor) -> Tensor:
    """Return rows (..., k, d) with the same span, orthonormal, oriented like the input."""
    Q, R = torch.linalg.qr(matrix.mT)
    sign = torch.diagonal(R, dim1=-2, dim2=-1).sign()
    return (Q * torch.where(sign == 0, torch.ones_like(sign), sign).unsqueeze(-2)).mT


def complement_rows(rows: Tensor) -> Tensor:
    """Return an orthonormal basis (..., d-k, d) of the complement of orthonormal ``rows``."""
    k = rows.shape[-2]
    Q, _ = torch.linalg.qr(rows.mT, mode="complete")
    return Q[..., k:].mT


def subspace_distance(G: Tensor, G_star: Tensor) -> Tensor:
    """Return ``|Gbar (I - G*' G*)|_op``, the sine of the largest principal angle.

    Shapes: G (..., k, d) of full row rank; G_star (..., k, d) with orthonormal rows.
    """
    rows = orthonormal_rows(G)
    residual = rows - (rows @ G_star.mT) @ G_star
    return torch.linalg.matrix_norm(residual, ord=2)


def tangent_matrix(G: Tensor, G_star: Tensor, complement: Tensor) -> Tensor:
    """Return ``T = (G G*')^{-1} G B'`` (..., k, d-k); B = ``complement`` (..., d-k, d).

    Its singular values are the tangents of the principal angles between the row spaces.
    """
    return torch.linalg.solve(G @ G_star.mT, G @ complement.mT)


def principal_tangents(G: Tensor, G_star: Tensor) -> Tensor:
    """Return the min(k, d-k) largest tangents of the principal angles, descending."""
    return torch.linalg.svdvals(tangent_matrix(G, G_star, complement_rows(G_star)))


def machine_tolerance(dtype: torch.dtype, *, dim: int, condition: float = 1.0) -> float:
    """Return the relative error a backward-stable solve of size ``dim`` may show.

    ``16 dim eps condition``: the usual first-order bound with a constant that covers a chain of
    a few products and solves. It is a function of epsilon alone, so float32 widens it by 2^29.
    """
    if not condition >= 1.0 or math.isinf(condition):
        raise ValueError(f"condition={condition}, needs a finite number >= 1")
    return 16.0 * dim * torch.finfo(dtype).eps * condition


def second_moment(rows: Tensor) -> Tensor:
    """Return ``X'X/n`` of rows X (..., n, d), not centred."""
    return rows.mT @ rows / rows.shape[-2]
