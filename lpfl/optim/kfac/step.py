"""The pure steps of KFAC on ``y = F G x``, and what they ask of their batch and head."""

import torch
from torch import Tensor

from lpfl import guards
from lpfl.linalg import right_solve
from lpfl.optim.core.whitening import damped, foof_step
from lpfl.problems.linear_representation import Batch


@guards.on_tensors
def kfac_step(
    G: Tensor,
    F: Tensor | None,
    grad_G: Tensor,
    cov_x: Tensor,
    *,
    step_size: float,
    damping: float = 0.0,
    left: Tensor | None = None,
) -> Tensor:
    """Return the representation after one KFAC step on ``y = F G x``.

    Shapes: G, grad_G (..., k, d); F (..., m, k) of full column rank; cov_x (..., d, d), symmetric
    positive definite after adding ``damping``; left (..., k, k) stands in for F'F (an average), and
    F is not read then.
    Units: x in [x], y in [y]: the loss is in [y]^2, cov_x and damping in [x]^2, step_size is a
    pure number.
    Raises: ValueError if F lacks full column rank, cov_x + damping I is singular, or shapes differ.
    Source: Zhang et al. 2025, eq. (5) with P = F'F, Q = sample covariance; no moving average.
    """
    guards.tensor("G", G, 2)
    guards.tensor("grad_G", grad_G, 2, last=G.shape[-1])
    guards.square("cov_x", cov_x, G.shape[-1])
    if left is None:
        if F is None:
            raise ValueError("F=None, needs the head or the factor left")
        require_full_column_rank(F)
        left = F.mT @ F
    half = torch.cholesky_solve(grad_G, torch.linalg.cholesky(left))
    return G - step_size * right_solve(half, damped(cov_x, damping))


@guards.on_tensors
def kfac_head_step(
    F: Tensor,
    G: Tensor,
    grad_F: Tensor,
    cov_x: Tensor,
    *,
    step_size: float,
    damping: float = 0.0,
    hidden: Tensor | None = None,
) -> Tensor:
    """Return the head after one KFAC step: F+ = F - step_size grad_F (G cov_x G' + damping)^{-1}.

    hidden (..., k, k) stands in for G cov_x G' (an average). Undamped, with the gradient of the
    same batch: F+ = (1 - step_size) F + step_size F_ls(G).
    Source: Zhang et al. 2025, eq. (5) with P_F = I, Q_F = G Sh G'.
    """
    if hidden is None:
        hidden = G @ cov_x @ G.mT
    return foof_step(F, grad_F, hidden, step_size=step_size, damping=damping)


def require_enough_rows(batch: Batch, damping: float) -> None:
    """Raise ValueError if the sample covariance cannot be inverted: n < d and no damping."""
    if batch.inputs is None or damping > 0.0:
        return
    n, d = batch.inputs.shape[-2:]
    if n < d:
        raise ValueError(f"batch_size={n}, needs >= input_dim={d} to invert X'X/n without damping")


@guards.on_tensors
def require_full_column_rank(F: Tensor) -> None:
    """Raise ValueError if the head (..., m, k) has a singular value at rounding level."""
    guards.tensor("head", F, 2)
    s = torch.linalg.svdvals(F)
    bound = max(F.shape[-2:]) * torch.finfo(F.dtype).eps
    ratio = float((s[..., -1] / s[..., 0].clamp(min=torch.finfo(F.dtype).tiny)).min())
    if not ratio > bound:
        raise ValueError(f"head has singular value ratio {ratio:.3g}, needs > {bound:.3g}")
