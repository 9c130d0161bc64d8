"""Linear algebra shared by models and measurements.

Convention for vec and Kronecker products: ``vec`` stacks the *columns* of a matrix, so that
``vec(A X B) = (B' (x) A) vec(X)``. All functions act on the last two axes and broadcast over
leading (replicate) axes.
"""

import torch
from torch import Tensor

from lpfl import guards
from lpfl.linalg.gram import gram

SMALL = 32
"""Rows up to which the host factors a matrix of a GPU."""


def require_finite(name: str, tensor: Tensor) -> None:
    """Raise ValueError if ``tensor`` holds a NaN or an infinity."""
    finite = torch.isfinite(tensor)
    if not bool(finite.all()):
        bad = int((~finite).sum())
        raise ValueError(f"{name} has {bad} of {tensor.numel()} entries not finite, needs 0")


def require_symmetric(name: str, matrix: Tensor) -> None:
    """Raise ValueError if ``matrix`` is not symmetric to rounding."""
    guards.square(name, matrix)
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


def once(stack: Tensor) -> Tensor:
    """Return the matrix of which every replicate of ``stack`` is a view, or the stack as it is.

    A product with one matrix is one large product; with a stack it is one for each replicate.
    """
    return stack[0] if stack.ndim == 3 and len(stack) > 1 and stack.stride(0) == 0 else stack


@guards.on_tensors
def vec(matrix: Tensor) -> Tensor:
    """Stack the columns of ``matrix`` (..., a, b) into a vector (..., a b)."""
    guards.tensor("matrix", matrix, 2, empty=True)
    return matrix.mT.reshape(*matrix.shape[:-2], -1)


@guards.on_tensors
def unvec(vector: Tensor, rows: int) -> Tensor:
    """Undo :func:`vec` for a matrix of ``rows`` rows."""
    guards.tensor("vector", vector, 1, empty=True)
    if vector.shape[-1] % guards.count("rows", rows):
        raise ValueError(f"rows={rows}, needs a divisor of the length {vector.shape[-1]}")
    return vector.reshape(*vector.shape[:-1], -1, rows).mT


@guards.on_tensors
def kron(A: Tensor, B: Tensor) -> Tensor:
    """Return the Kronecker product over the last two axes."""
    guards.tensor("A", A, 2, empty=True)
    guards.tensor("B", B, 2, empty=True)
    product = torch.einsum("...ij,...kl->...ikjl", A, B)
    return product.reshape(
        *product.shape[:-4], A.shape[-2] * B.shape[-2], A.shape[-1] * B.shape[-1]
    )


@guards.on_tensors
def right_solve(A: Tensor, S: Tensor) -> Tensor:
    """Return ``A S^{-1}`` for symmetric positive definite ``S`` through its Cholesky factor.

    Raises: ValueError for another shape, or a matrix without such a factor.
    """
    guards.square("S", S)
    guards.tensor("A", A, 2, last=S.shape[-1], empty=True)
    root, info = torch.linalg.cholesky_ex(S)
    if bool(info.any()):
        raise ValueError("S has no Cholesky factor, needs a positive definite matrix")
    return torch.cholesky_solve(A.mT, root).mT


def standard_normal(
    *shape: int, generator: torch.Generator, dtype: torch.dtype = torch.float64
) -> Tensor:
    """Draw independent standard normal numbers on the generator's device."""
    return torch.randn(shape, generator=generator, device=generator.device, dtype=dtype)


def factored(matrix: Tensor, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """Return Q and R of matrices (..., a, b), small ones of a GPU by way of the host.

    A GPU takes a stack one by one: on an H100 4096 matrices of 10 x 10 take 0.3 s.
    """
    here = matrix if matrix.shape[-2] > SMALL else matrix.cpu()
    Q, R = torch.linalg.qr(here, mode=mode)
    return Q.to(matrix.device), R.to(matrix.device)


def haar(
    replicates: int, dim: int, generator: torch.Generator, dtype: torch.dtype = torch.float64
) -> Tensor:
    """Draw ``replicates`` Haar-distributed orthogonal matrices (replicates, dim, dim)."""
    guards.count("dim", dim)
    guards.count("replicates", replicates)
    gaussian = standard_normal(replicates, dim, dim, generator=generator, dtype=dtype)
    Q, R = factored(gaussian)
    return Q * torch.diagonal(R, dim1=-2, dim2=-1).sign().unsqueeze(-2)


@guards.on_tensors
def orthonormal_rows(matrix: Tensor) -> Tensor:
    """Return rows (..., k, d) with the same span, orthonormal, oriented like the input."""
    guards.tensor("matrix", matrix, 2, empty=True)
    Q, R = factored(matrix.mT)
    sign = torch.diagonal(R, dim1=-2, dim2=-1).sign()
    return (Q * torch.where(sign == 0, torch.ones_like(sign), sign).unsqueeze(-2)).mT


@guards.on_tensors
def complement_rows(rows: Tensor) -> Tensor:
    """Return an orthonormal basis (..., d-k, d) of the complement of orthonormal ``rows``."""
    guards.tensor("rows", rows, 2)
    k = rows.shape[-2]
    Q, _ = factored(rows.mT, mode="complete")
    return Q[..., k:].mT


@guards.on_tensors
def subspace_distance(G: Tensor, G_star: Tensor) -> Tensor:
    """Return ``|Gbar (I - G*' G*)|_op``, the sine of the largest principal angle.

    Shapes: G (..., k, d) of full row rank; G_star (..., k, d) with orthonormal rows.
    """
    guards.tensor("G", G, 2)
    guards.tensor("G_star", G_star, 2, last=G.shape[-1])
    rows = orthonormal_rows(G)
    residual = rows - (rows @ G_star.mT) @ G_star
    return torch.linalg.matrix_norm(residual, ord=2)


@guards.on_tensors
def tangent_matrix(G: Tensor, G_star: Tensor, complement: Tensor) -> Tensor:
    """Return ``T = (G G*')^{-1} G B'`` (..., k, d-k); B = ``complement`` (..., d-k, d).

    Its singular values are the tangents of the principal angles between the row spaces.
    """
    guards.tensor("G", G, 2)
    d = G.shape[-1]
    guards.tensor("G_star", G_star, 2, last=d)
    guards.tensor("complement", complement, 2, last=d, empty=True)
    if G.shape[-2] != G_star.shape[-2]:
        raise ValueError(f"G_star has {G_star.shape[-2]} rows, needs the {G.shape[-2]} of G")
    tangents, info = torch.linalg.solve_ex(G @ G_star.mT, G @ complement.mT)
    if bool(info.any()):
        raise ValueError("G G*' is singular: a row of G is orthogonal to all rows of G_star")
    return tangents


@guards.on_tensors
def principal_tangents(G: Tensor, G_star: Tensor) -> Tensor:
    """Return the min(k, d-k) largest tangents of the principal angles, descending."""
    return torch.linalg.svdvals(tangent_matrix(G, G_star, complement_rows(G_star)))


def machine_tolerance(dtype: torch.dtype, *, dim: int, condition: float = 1.0) -> float:
    """Return the relative error a backward-stable solve of size ``dim`` may show.

    ``16 dim eps condition``: the usual first-order bound with a constant that covers a chain of
    a few products and solves. It is a function of epsilon alone, so float32 widens it by 2^29.
    """
    condition = guards.number("condition", condition, least=1.0)
    guards.count("dim", dim)
    return 16.0 * dim * torch.finfo(dtype).eps * condition


@guards.on_tensors
def second_moment(rows: Tensor) -> Tensor:
    """Return ``X'X/n`` of rows X (..., n, d), not centred."""
    guards.tensor("rows", rows, 2)
    return gram(rows) / rows.shape[-2]
