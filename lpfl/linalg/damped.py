"""Solves with a damped second moment, guarded."""

import torch
from torch import Tensor

from lpfl import guards
from lpfl.linalg import require_finite


@guards.on_tensors
def damped_solve(Q: Tensor, right: Tensor, *, damping: float) -> Tensor:
    """Return ``(Q + damping I)^{-1} right`` through a Cholesky factor.

    Shapes: Q (R, m, m) symmetric positive semi-definite; right (R, m, k), or (R, m) for vectors.
    Raises: ValueError if damping < 0, an entry is not finite, or the damped matrix is not positive
            definite in floating point.
    """
    damping = guards.number("damping", damping, least=0.0)
    guards.square("second moment", Q)
    guards.tensor("right side", right, 1)
    require_finite("second moment", Q)
    require_finite("right side", right)
    if right.ndim == Q.ndim - 1:
        return damped_solve(Q, right[..., None], damping=damping)[..., 0]
    if right.ndim != Q.ndim or right.shape[-2] != Q.shape[-1]:
        raise ValueError(
            f"right side has shape {tuple(right.shape)}, needs rows of the second moment "
            f"{tuple(Q.shape)}"
        )
    shifted = Q.clone()
    shifted.diagonal(dim1=-2, dim2=-1).add_(damping)
    root, info = torch.linalg.cholesky_ex(shifted)
    if bool(info.any()):
        smallest = float(torch.linalg.eigvalsh(shifted).min())
        raise ValueError(f"damped second moment has eigenvalue {smallest}, needs > 0")
    return torch.cholesky_solve(right, root)
