"""The sufficient statistics of a single-index batch, from rows or from their exact law.

Everything the low-dimensional directions need of a batch is ``X^T X / n``, ``X^T y / n`` and the
two means. Their joint law can be drawn without drawing the n rows. Write ``x = L u`` with
``L L^T = Sigma``, ``b = L^T beta* / |L^T beta*|`` and ``u = zeta b + u_perp``. Given
``A = [zeta, y, 1]`` (n, 3) the n-by-(d-1) matrix W of u_perp is standard normal, so for an
orthogonal matrix O with ``O A = [R; 0]`` (R upper triangular, 3 by 3) the matrix ``O W`` is again
standard normal. Its first three rows P stay as they are; the other n-3 rows only enter through
their Gram matrix, a Wishart matrix of n-3 degrees of freedom, which equals ``T^T T`` in law for
the Bartlett factor T with min(n-3, d-1) rows. So the rows ``[R e_1, P; 0, T]``, rotated back,
have exactly the law of ``O U``, and every product of two of X, y, 1 has its exact joint law.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from lpfl.linalg import gram
from lpfl.problems.single_index import (
    Sample,
    SingleIndexProblem,
    covariance_root,
    draw_targets,
    times_root,
)

SPAN = 3  # columns of A = [zeta, y, 1]


@dataclass(frozen=True)
class Moments:
    """Second-order statistics of n rows.

    Shapes: second_moment (R, d, d) = X^T X / n, cross_moment (R, d) = X^T y / n,
            input_mean (R, d), target_mean (R,), target_power (R,) = y^T y / n.
    """

    second_moment: Tensor
    cross_moment: Tensor
    input_mean: Tensor
    target_mean: Tensor
    target_power: Tensor
    n: int


@dataclass(frozen=True)
class CompressedRows:
    """A batch of n rows after an orthogonal map of R^n that leaves only m rows non-zero.

    Shapes: inputs (R, m, d), targets (R, m), ones (R, m); m = n for plain rows.
    """

    inputs: Tensor
    targets: Tensor
    ones: Tensor
    n: int


def bartlett_factor(
    degrees: int,
    dim: int,
    *,
    replicates: int,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Draw T (R, min(degrees, dim), dim) with ``T^T T ~ Wishart_dim(I, degrees)``.

    Row i has zeros before column i, a chi variable of degrees - i degrees of freedom on it and
    standard normals after it: the triangular factor of a QR decomposition of normal rows, for
    fewer degrees of freedom than dimensions as well.

    Raises: ValueError if degrees < 0 or dim < 0.
    Source: Bartlett 1933; Muirhead 1982, Theorem 3.2.14.
    """
    if degrees < 0:
        raise ValueError(f"degrees={degrees}, needs >= 0")
    if dim < 0:
        raise ValueError(f"dim={dim}, needs >= 0")
    device = generator.device
    rows = min(degrees, dim)
    normal = torch.randn((replicates, rows, dim), generator=generator, dtype=dtype, device=device)
    halves = (degrees - torch.arange(rows, device=device, dtype=dtype)) / 2
    chi = (2 * torch._standard_gamma(halves.expand(replicates, rows), generator=generator)).sqrt()
    factor = normal.triu_(1)
    factor.diagonal(dim1=-2, dim2=-1).copy_(chi)
    return factor


def compressed_rows(
    problem: SingleIndexProblem, n: int, *, generator: torch.Generator
) -> CompressedRows:
    """Draw n rows of the problem up to an orthogonal map of R^n: at most d + 2 rows are kept.

    Raises: ValueError if n < 3.
    """
    if n < SPAN:
        raise ValueError(f"n={n}, needs >= {SPAN}")
    R, d = problem.replicates, problem.dim
    dtype, device = problem.teacher.dtype, generator.device
    root = covariance_root(problem.covariance)
    white_teacher = times_root(problem.teacher, root if root.ndim == 1 else root.mT)
    power = torch.linalg.vector_norm(white_teacher, dim=-1, keepdim=True)

    zeta = torch.randn((R, n), generator=generator, dtype=dtype, device=device)
    y = draw_targets(problem, power * zeta, generator=generator)
    A = torch.stack([zeta, y, torch.ones_like(y)], dim=-1)
    span = torch.linalg.qr(A, mode="r").R

    P = torch.randn((R, SPAN, d - 1), generator=generator, dtype=dtype, device=device)
    T = bartlett_factor(n - SPAN, d - 1, replicates=R, generator=generator, dtype=dtype)
    pad = torch.zeros((R, T.shape[1], SPAN), dtype=dtype, device=device)
    span = torch.cat([span, pad], dim=1)
    rows = torch.cat([span[:, :, :1], torch.cat([P, T], dim=1)], dim=2)
    inputs = times_root(_send_first_axis_to(rows, white_teacher / power), root)
    return CompressedRows(inputs, span[:, :, 1], span[:, :, 2], n)


def _send_first_axis_to(rows: Tensor, unit: Tensor) -> Tensor:
    """Apply to rows (R, m, d) an orthogonal map that sends e_1 to the unit vector (R, d)."""
    sign = torch.where(unit[:, :1] > 0, -1.0, 1.0).to(unit.dtype)
    mirror = unit * sign
    mirror[:, 0] -= 1  # no cancellation: the entry before it is <= 0
    mirror = mirror / torch.linalg.vector_norm(mirror, dim=-1, keepdim=True)
    image = rows - 2 * (rows @ mirror[:, :, None]) * mirror[:, None, :]
    return image * sign[:, None, :]


def plain_rows(rows: Sample) -> CompressedRows:
    """Return a drawn sample as it is, with its column of ones."""
    return CompressedRows(
        rows.inputs, rows.targets, torch.ones_like(rows.targets), rows.targets.shape[-1]
    )


def moments(rows: CompressedRows) -> Moments:
    """Return the second-order statistics of plain or compressed rows."""
    X, y, one, n = rows.inputs, rows.targets, rows.ones, rows.n
    return Moments(
        second_moment=gram(X) / n,
        cross_moment=torch.einsum("rnd,rn->rd", X, y) / n,
        input_mean=torch.einsum("rnd,rn->rd", X, one) / n,
        target_mean=(one * y).sum(-1) / n,
        target_power=(y * y).sum(-1) / n,
        n=n,
    )


def sample_moments(problem: SingleIndexProblem, n: int, *, generator: torch.Generator) -> Moments:
    """Draw the statistics of n rows from their exact joint law, without the rows.

    Cost: O(n) draws for the index and the targets, O(d^2) draws for the rest and one product of
    at most d + 2 rows, instead of n d draws and a product of n rows.
    Raises: ValueError if n < 3.
    Source: derived; see the module's text.
    """
    return moments(compressed_rows(problem, n, generator=generator))


def sample_second_moment(
    problem: SingleIndexProblem, n: int, *, generator: torch.Generator
) -> Tensor:
    """Draw ``X^T X / n`` (R, d, d) of n rows without labels: a Wishart matrix over n.

    Raises: ValueError if n < 1.
    """
    if n < 1:
        raise ValueError(f"n={n}, needs >= 1")
    white = bartlett_factor(
        n,
        problem.dim,
        replicates=problem.replicates,
        generator=generator,
        dtype=problem.teacher.dtype,
    )
    rows = times_root(white, covariance_root(problem.covariance))
    return gram(rows) / n
