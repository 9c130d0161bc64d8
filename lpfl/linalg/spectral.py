"""Functions of singular values and eigenvalues: polar factor, Newton-Schulz, matrix powers.

All act on the last two axes and broadcast over leading axes.
"""

import math

import torch
from torch import Tensor

from lpfl import guards

QUINTIC = (3.4445, -4.7750, 2.0315)
TINY_NORM = 1e-7


@guards.on_tensors
def rounding_cutoff(largest: Tensor, size: int) -> Tensor:
    """Return ``size * eps * largest``: what rounding may put in place of an exact zero."""
    guards.count("size", size)
    return _cutoff(largest, size)


def _cutoff(largest: Tensor, size: int) -> Tensor:
    return largest * (size * torch.finfo(largest.dtype).eps)


@guards.on_tensors
def polar_factor(matrix: Tensor) -> Tensor:
    """Return ``U V'`` of the singular value decomposition ``U S V'`` of ``matrix`` (..., a, b).

    Singular values below rounding count as zero and their directions are dropped, so a zero
    matrix has factor zero.
    """
    guards.tensor("matrix", matrix, 2)
    U, s, Vh = torch.linalg.svd(matrix, full_matrices=False)
    kept = s > rounding_cutoff(s[..., :1], max(matrix.shape[-2:]))
    return (U * kept.to(s.dtype).unsqueeze(-2)) @ Vh


@guards.on_tensors
def newton_schulz(
    matrix: Tensor,
    *,
    steps: int = 5,
    coefficients: tuple[float, float, float] = QUINTIC,
) -> Tensor:
    """Return Muon's approximate polar factor of ``matrix`` (..., a, b).

    ``Z <- a Z + Z (b A + c A^2)`` with ``A = Z'Z``, from Z = matrix over its Frobenius norm (at
    least 1e-7). A singular value s is mapped by the odd polynomial a s + b s^3 + c s^5; with the
    published coefficients it ends between about 0.7 and 1.2, not at 1.
    Raises: ValueError if steps < 1.
    Source: Jordan et al. 2024 (Muon), coefficients theirs.
    """
    guards.tensor("matrix", matrix, 2)
    guards.count("steps", steps)
    a, b, c = coefficients
    wide = matrix.shape[-2] < matrix.shape[-1]
    Z = matrix.mT if wide else matrix
    Z = Z / torch.linalg.matrix_norm(Z, keepdim=True).clamp(min=TINY_NORM)
    for _ in range(steps):
        A = Z.mT @ Z  # the shorter side, and the product that BLAS makes without a copy
        Z = combined(a, Z, 1.0, Z, combined(b, A, c, A, A))
    return Z.mT if wide else Z


def combined(beta: float, base: Tensor, alpha: float, left: Tensor, right: Tensor) -> Tensor:
    """Return ``beta base + alpha left right``, in one call for a matrix or one batch of them."""
    if base.ndim == 2:
        return torch.addmm(base, left, right, beta=beta, alpha=alpha)
    if base.ndim == 3:
        return torch.baddbmm(base, left, right, beta=beta, alpha=alpha)
    return beta * base + alpha * (left @ right)


@guards.on_tensors
def psd_power(matrix: Tensor, exponent: float, *, epsilon: float = 0.0) -> Tensor:
    """Return ``(matrix + epsilon I)^exponent`` for symmetric positive semi-definite ``matrix``.

    With epsilon 0 a negative power is that of the pseudo-inverse: eigenvalues below rounding
    stay zero. Units: epsilon in those of the matrix.
    Raises: ValueError if epsilon < 0.
    """
    guards.square("matrix", matrix)
    epsilon = guards.number("epsilon", epsilon, least=0.0)
    exponent = guards.number("exponent", exponent)
    powers, vectors = psd_powers(matrix, exponent, epsilon=epsilon)
    return (vectors * powers.unsqueeze(-2)) @ vectors.mT


def psd_powers(matrix: Tensor, exponent: float, *, epsilon: float = 0.0) -> tuple[Tensor, Tensor]:
    """Return p (..., a) and orthonormal V (..., a, a): ``V diag(p) V'`` is what psd_power returns.

    Unlike there the arguments are not checked.
    """
    values, vectors = torch.linalg.eigh(matrix)
    if epsilon > 0.0:
        return (values.clamp(min=0.0) + epsilon).pow(exponent), vectors
    lost = values <= _cutoff(values[..., -1:], matrix.shape[-1])
    if exponent == 0.0:
        return (~lost).to(values.dtype), vectors
    return values.masked_fill(lost, math.inf if exponent < 0.0 else 0.0).pow(exponent), vectors
