"""KFAC in the stylised layer-wise form of the paper: G+ = G - eta P^{-1} grad_G (Q + lam I)^{-1}."""

import torch
from torch import Tensor

from lpfl.linalg import right_solve
from lpfl.optim.method import Memory, Method, require_damping, require_step_size
from lpfl.problems.linear_representation import Batch, Weights, gradients, least_squares_head


def kfac_step(
    G: Tensor, F: Tensor, grad_G: Tensor, cov_x: Tensor, *, step_size: float, damping: float = 0.0
) -> Tensor:
    """Return the representation after one KFAC step on ``y = F G x``.

    Shapes: G, grad_G (..., k, d); F (..., m, k); cov_x (..., d, d), symmetric positive definite
    after adding ``damping``.
    Units: x in [x], y in [y]: the loss is in [y]^2, cov_x and damping in [x]^2, step_size is a
    pure number.
    Raises: torch.linalg.LinAlgError if F'F or cov_x + damping I is singular.
    Source: Zhang et al. 2025, eq. (5) with P = F'F, Q = sample covariance; no moving average.
    """
    left = torch.cholesky_solve(grad_G, torch.linalg.cholesky(F.mT @ F))
    return G - step_size * right_solve(left, damped(cov_x, damping))


def kfac_head_step(
    F: Tensor, G: Tensor, grad_F: Tensor, cov_x: Tensor, *, step_size: float
) -> Tensor:
    """Return the head after one KFAC step: F+ = F - step_size grad_F (G cov_x G')^{-1}.

    Source: Zhang et al. 2025, eq. (5) with P_F = I, Q_F = G Sh G'.
    """
    return F - step_size * right_solve(grad_F, G @ cov_x @ G.mT)


def damped(cov_x: Tensor, damping: float) -> Tensor:
    """Return ``cov_x + damping I``."""
    if damping == 0.0:
        return cov_x
    eye = torch.eye(cov_x.shape[-1], dtype=cov_x.dtype, device=cov_x.device)
    return cov_x + damping * eye


def require_enough_rows(batch: Batch, damping: float) -> None:
    """Raise ValueError if the sample covariance cannot be inverted: n < d and no damping."""
    if batch.inputs is None or damping > 0.0:
        return
    n, d = batch.inputs.shape[-2:]
    if n < d:
        raise ValueError(f"batch_size={n}, needs >= input_dim={d} to invert X'X/n without damping")


def kfac(*, step_size: float = 1e-2, damping: float = 0.0) -> Method:
    """Alternating KFAC: least-squares head, then one KFAC step on the representation."""
    require_step_size(step_size)
    require_damping(damping)

    def step(weights: Weights, memory: Memory, batch: Batch) -> tuple[Weights, Memory]:
        require_enough_rows(batch, damping)
        G = weights.representation
        F = least_squares_head(G, batch)
        grad_G = gradients(Weights(F, G), batch).representation
        G_next = kfac_step(G, F, grad_G, batch.cov_x, step_size=step_size, damping=damping)
        return Weights(F, G_next), memory

    return Method("kfac", step, hyperparameters={"step_size": step_size, "damping": damping})
