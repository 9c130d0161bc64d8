"""KFAC in the paper's layer-wise form: G+ = G - eta P^{-1} grad_G (Q + lam I)^{-1}."""

import torch
from torch import Tensor

from lpfl.linalg import right_solve
from lpfl.optim.average import smooth
from lpfl.optim.invariances import EVERY, ROTATIONS
from lpfl.optim.method import Memory, Method, require_damping, require_decay, require_step_size
from lpfl.problems.linear_representation import Batch, Weights, gradients, least_squares_head


def kfac_step(
    G: Tensor,
    F: Tensor,
    grad_G: Tensor,
    cov_x: Tensor,
    *,
    step_size: float,
    damping: float = 0.0,
    left: Tensor | None = None,
) -> Tensor:
    """Return the representation after one KFAC step on ``y = F G x``.

    Shapes: G, grad_G (..., k, d); F (..., m, k) of full column rank; cov_x (..., d, d), symmetric
    positive definite after adding ``damping``; left (..., k, k) stands in for F'F (an average).
    Units: x in [x], y in [y]: the loss is in [y]^2, cov_x and damping in [x]^2, step_size is a
    pure number.
    Raises: ValueError if F lacks full column rank; torch.linalg.LinAlgError if cov_x + damping I
    is singular.
    Source: Zhang et al. 2025, eq. (5) with P = F'F, Q = sample covariance; no moving average.
    """
    if left is None:
        require_full_column_rank(F)
        left = F.mT @ F
    half = torch.cholesky_solve(grad_G, torch.linalg.cholesky(left))
    return G - step_size * right_solve(half, damped(cov_x, damping))


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
    return F - step_size * right_solve(grad_F, damped(hidden, damping))


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


def require_full_column_rank(F: Tensor) -> None:
    """Raise ValueError if the head (..., m, k) has a singular value at rounding level."""
    s = torch.linalg.svdvals(F)
    bound = max(F.shape[-2:]) * torch.finfo(F.dtype).eps
    ratio = float((s[..., -1] / s[..., 0].clamp(min=torch.finfo(F.dtype).tiny)).min())
    if not ratio > bound:
        raise ValueError(f"head has singular value ratio {ratio:.3g}, needs > {bound:.3g}")


def kfac(*, step_size: float = 1e-2, damping: float = 0.0, averaging: float = 0.0) -> Method:
    """Alternating KFAC: least-squares head, then one KFAC step on the representation.

    averaging: decay of the moving averages of F'F and Sh; 0 takes those of the current batch.
    """
    require_step_size(step_size)
    require_damping(damping)
    require_decay("averaging", averaging)

    def step(weights: Weights, memory: Memory, batch: Batch) -> tuple[Weights, Memory]:
        require_enough_rows(batch, damping)
        G = weights.representation
        F = least_squares_head(G, batch)
        require_full_column_rank(F)
        grad_G = gradients(Weights(F, G), batch).representation
        factors, memory = smooth(memory, {"left": F.mT @ F, "input": batch.cov_x}, averaging)
        G_next = kfac_step(
            G,
            F,
            grad_G,
            factors["input"],
            step_size=step_size,
            damping=damping,
            left=factors["left"],
        )
        return Weights(F, G_next), memory

    hyperparameters = {"step_size": step_size, "damping": damping, "averaging": averaging}
    return Method(
        "kfac",
        step,
        hyperparameters=hyperparameters,
        invariances=EVERY if damping == 0.0 else (*ROTATIONS, "gauge"),
    )
