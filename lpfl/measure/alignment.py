"""Single-index measurements: tensors in, one number (or a few) per replicate out."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lpfl import guards
from lpfl.linalg import require_finite
from lpfl.problems.single_index import times_covariance


@guards.on_tensors
def alignment(direction: Tensor, teacher: Tensor, *, weight: Tensor | None = None) -> Tensor:
    """Return ``<beta*, beta>_T^2 / (|beta*|_T^2 |beta|_T^2)`` (R,) for vectors (R, d).

    ``weight`` T is (d,) or (d, d): None gives the Euclidean rho^2, the covariance of the inputs
    gives rho_S^2, the squared correlation of ``beta . x`` with ``beta* . x``.
    Raises: ValueError if one of the vectors is zero or not finite.
    """
    guards.tensor("direction", direction, 1)
    guards.tensor("teacher", teacher, 1, last=direction.shape[-1])
    other = teacher if weight is None else times_covariance(teacher, weight)
    image = direction if weight is None else times_covariance(direction, weight)
    power = (direction * image).sum(-1) * (teacher * other).sum(-1)
    if not bool(((power > 0) & torch.isfinite(power)).all()):
        raise ValueError(f"squared norms have product {power.tolist()}, needs finite and > 0")
    return (direction * other).sum(-1).square() / power


@guards.on_tensors
def signed_alignment(direction: Tensor, teacher: Tensor, *, weight: Tensor | None = None) -> Tensor:
    """Return ``alignment`` with the sign of the cosine (R,): negative for an opposite direction.

    Raises: ValueError as ``alignment``.
    """
    other = teacher if weight is None else times_covariance(teacher, weight)
    sign = torch.sign((direction * other).sum(-1))
    return sign * alignment(direction, teacher, weight=weight)


@dataclass(frozen=True)
class TopSingular:
    """The k largest singular triples: values (R, k) descending, left (R, N, k), right (R, d, k)."""

    values: Tensor
    left: Tensor
    right: Tensor


@guards.on_tensors
def top_singular(matrix: Tensor, *, count: int = 1) -> TopSingular:
    """Return the ``count`` largest singular triples of (R, N, d), from the smaller Gram matrix.

    Accurate to rounding relative to the largest singular value squared, hence for the top of the
    spectrum only.
    Raises: ValueError unless 1 <= count <= min(N, d), or if one of the values is zero.
    """
    guards.tensor("matrix", matrix, 2)
    rows, columns = matrix.shape[-2:]
    count = guards.count("count", count, most=min(rows, columns))
    if rows < columns:
        flipped = top_singular(matrix.mT, count=count)
        return TopSingular(flipped.values, flipped.right, flipped.left)
    require_finite("matrix", matrix)
    vectors = torch.linalg.eigh(matrix.mT @ matrix).eigenvectors
    right = vectors[..., -count:].flip(-1)
    left = matrix @ right
    values = torch.linalg.vector_norm(left, dim=-2)
    if not bool((values > 0).all()):
        raise ValueError(f"singular value {float(values.min())}, needs > 0")
    return TopSingular(values, left / values[..., None, :], right)


@guards.on_tensors
def singular_values(matrix: Tensor) -> Tensor:
    """Return all singular values of (R, N, d), descending."""
    guards.tensor("matrix", matrix, 2)
    return torch.linalg.svdvals(matrix)


@dataclass(frozen=True)
class Remainder:
    """Norm of ``matrix - scale u v^T`` over the norm of ``scale u v^T``, each (R,)."""

    operator: Tensor
    frobenius: Tensor


@guards.on_tensors
def rank_one_remainder(matrix: Tensor, left: Tensor, right: Tensor, *, scale: float) -> Remainder:
    """Return how far a matrix (R, N, d) is from ``scale left right^T`` (R, N), (R, d).

    For a gradient: matrix ``-sqrt(N) grad_G``, left f, right beta, scale ``E act'``.
    Raises: ValueError if the rank-one part vanishes.
    """
    scale = guards.number("scale", scale)
    norm = torch.linalg.vector_norm(left, dim=-1) * torch.linalg.vector_norm(right, dim=-1)
    norm = abs(scale) * norm
    if not bool((norm > 0).all()):
        raise ValueError(f"rank-one part has norm {float(norm.min())}, needs > 0")
    rest = matrix - scale * left[..., :, None] * right[..., None, :]
    top = top_singular(rest).values[..., 0] if bool(rest.any()) else torch.zeros_like(norm)
    return Remainder(top / norm, torch.linalg.matrix_norm(rest) / norm)


@guards.on_tensors
def centred(features: Tensor) -> Tensor:
    """Subtract from each feature of (R, n, N) its mean over the n rows."""
    return features - features.mean(-2, keepdim=True)


@guards.on_tensors
def orthogonal_powers(index: Tensor, *, degree: int) -> Tensor:
    """Orthonormalise ``1, h, h^2, .., h^degree`` over the sample; return all but the constant.

    Shapes: index h (R, n) -> (R, n, degree); column k-1 approaches He_k(h / std h) / sqrt(k! n).
    Raises: ValueError unless 1 <= degree < n, or for a constant index.
    """
    guards.tensor("index", index, 1)
    n = index.shape[-1]
    degree = guards.count("degree", degree, most=n - 1)
    h = index - index.mean(-1, keepdim=True)
    spread = h.square().mean(-1, keepdim=True).sqrt()
    if not bool((spread > 0).all()):
        raise ValueError(f"index has spread {float(spread.min())}, needs > 0")
    h = h / spread
    columns = [torch.ones_like(h), h]
    for k in range(1, degree):  # Hermite recurrence: the same span as the powers, well conditioned
        columns.append(h * columns[k] - k * columns[k - 1])
    Q, R = torch.linalg.qr(torch.stack(columns, dim=-1))
    sign = torch.sign(R.diagonal(dim1=-2, dim2=-1))
    return (Q * sign[..., None, :])[..., 1:]


@guards.on_tensors
def feature_overlaps(left: Tensor, index: Tensor, *, degree: int) -> Tensor:
    """Return the squared overlaps (R, k, degree) of left singular vectors with powers of an index.

    ``left`` (R, n, k) are left singular vectors of the centred feature matrix, ``index`` (R, n)
    the projections X beta. Entry [i, j] is ``<u_i, (j+1)-th orthogonal power>^2``; a row sums to
    the squared projection of u_i on the span.
    """
    return (left.mT @ orthogonal_powers(index, degree=degree)).square()
