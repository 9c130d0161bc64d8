"""Low-dimensional directions: what the first-layer gradient of each method points at.

The gradient of the first layer is nearly of rank one, ``c_act f beta^T``; these are the beta.
All take the statistics of a batch (or its rows) and return (R, d).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from lpfl import guards
from lpfl.linalg.damped import damped_solve
from lpfl.linalg.spectral import rounding_cutoff
from lpfl.problems.single_index.moments import CompressedRows, Moments


def sgd_direction(batch: Moments) -> Tensor:
    """Return ``X^T y / n``."""
    return batch.cross_moment


def centred_direction(batch: Moments) -> Tensor:
    """Return ``X^T (y - mean y) / n``: the direction of SGD behind a batch normalisation."""
    return batch.cross_moment - batch.input_mean * batch.target_mean[:, None]


def sign_direction(batch: Moments) -> Tensor:
    """Return the entrywise sign of ``X^T y / n``."""
    return torch.sign(batch.cross_moment)


def kfac_direction(batch: Moments, *, damping: float, whitening: Moments | None = None) -> Tensor:
    """Return ``(Q + damping I)^{-1} X^T y / n`` with Q the second moment of the same batch.

    ``whitening`` gives Q from another, independent batch instead. Damping 0 is the ridgeless
    limit: the pseudo-inverse of Q on its range when it has fewer rows than dimensions.
    Units: damping in [x]^2.
    Raises: ValueError if damping < 0, or if damping is 0 and Q is numerically singular.
    """
    guards.number("damping", damping, least=0.0)
    source = batch if whitening is None else whitening
    Q, h = source.second_moment, batch.cross_moment
    d = Q.shape[-1]
    if damping == 0 and source.n < d:
        values, vectors = torch.linalg.eigh(Q)
        V, s = vectors[:, :, d - source.n :], values[:, d - source.n :]
        return torch.einsum("rdk,rk->rd", V, torch.einsum("rdk,rd->rk", V, h) / s)
    return damped_solve(Q, h, damping=damping)


def kfac_direction_of_rows(rows: CompressedRows, *, damping: float) -> Tensor:
    """Return the same-batch KFAC direction through the n-by-n system, the cheap side for n < d.

    ``X^T (X X^T + n damping I)^{-1} y``; damping 0 gives the interpolator of least norm.
    Raises: ValueError if damping < 0, or if damping is 0 and X X^T is numerically singular.
    """
    guards.number("damping", damping, least=0.0)
    X = rows.inputs
    dual = damped_solve(X @ X.mT, rows.targets, damping=rows.n * damping)
    return torch.einsum("rnd,rn->rd", X, dual)


def population_direction(batch: Moments, covariance: Tensor) -> Tensor:
    """Return ``Sigma^{-1} X^T y / n`` with the population covariance, (d,) or (d, d)."""
    if covariance.ndim == 1:
        return batch.cross_moment / covariance
    return torch.linalg.solve(covariance, batch.cross_moment.mT).mT


def factor_direction(batch: Moments, factor: Tensor, *, damping: float = 0.0) -> Tensor:
    """Return ``(factor + damping I)^{-1} X^T y / n`` for any factor (d,), (d, d) or (R, d, d).

    The factor is an average, a mixture, the batch of an earlier step or the exact covariance.
    Raises: ValueError if damping < 0, or if the damped factor is singular.
    """
    guards.number("damping", damping, least=0.0)
    h = batch.cross_moment
    if factor.ndim == 1:
        return h / (factor + damping)
    return damped_solve(factor.expand(h.shape[0], *factor.shape[-2:]), h, damping=damping)


def power_directions(
    batch: Moments, factor: Tensor, exponents: Sequence[float], *, damping: float = 0.0
) -> list[Tensor]:
    """Return ``(factor + damping I)^{-p} X^T y / n`` for each exponent p, from one decomposition.

    factor: (d,), (d, d) or (R, d, d). Without damping, powers of the pseudo-inverse.
    Raises: ValueError if damping < 0.
    """
    guards.number("damping", damping, least=0.0)
    h = batch.cross_moment
    if factor.ndim == 1:
        return [h * (factor + damping).pow(-p) for p in exponents]
    values, vectors = torch.linalg.eigh(factor)
    kept = values > rounding_cutoff(values[..., -1:], values.shape[-1])
    shifted = torch.where(kept, values, torch.zeros_like(values)) + damping
    along = (vectors.mT @ h[:, :, None])[..., 0]
    alive = kept if damping == 0 else torch.ones_like(kept)
    safe = torch.where(alive, shifted, torch.ones_like(shifted))
    return [(vectors @ (along * alive * safe.pow(-p))[:, :, None])[..., 0] for p in exponents]
