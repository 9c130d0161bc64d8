"""Solves with a damped second moment, guarded."""

from math import isfinite

import torch
from torch import Tensor

from lpfl.linalg import require_finite


def require_non_negative(name: str, value: float) -> None:
    """Raise ValueError unless value is finite and >= 0."""
    if not (isfinite(value) and value >= 0):
        raise ValueError(f"{name}={value}, needs finite and >= 0")


def damped_solve(Q: Tensor, right: Tensor, *, damping: float) -> Tensor:
    """Return ``(Q + damping I)^{-1} right`` through a Cholesky factor.

    Shapes: Q (R, m, m) symmetric positive semi-definite; right (R, m, k), or (R, m) for vectors.
    Raises: ValueError if damping < 0, an entry is not finite, or the damped matrix is not positive
            definite in floating point.
    """
    require_non_negative("damping", damping)
    require_finite("second moment", Q)
    require_finite("right side", right)
    if right.ndim == Q.ndim - 1:
        return damped_solve(Q, right[..., None], damping=damping)[..., 0]
    shifted = Q.clone()
    shifted.diagonal(dim1=-2, dim2=-1).add_(damping)
    root, info = torch.linalg.cholesky_ex(shifted)
    if bool(info.any()):
        smallest = float(torch.linalg.eigvalsh(shifted).min())
        raise ValueError(f"damped second moment has eigenvalue {smallest}, needs > 0")
    return torch.cholesky_solve(right, root)
