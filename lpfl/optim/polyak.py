"""Polyak's step size along a gradient that may be preconditioned layer by layer."""

import torch
from torch import Tensor

from lpfl.optim.invariances import EVERY, ROTATIONS
from lpfl.optim.kfac import (
    kfac_head_step,
    kfac_step,
    require_enough_rows,
    require_full_column_rank,
)
from lpfl.optim.method import (
    Memory,
    Method,
    require_choice,
    require_damping,
    require_non_negative,
    require_rows,
    require_step_size,
)
from lpfl.problems.linear_representation import Batch, Weights, gradients, loss

PRECONDITIONERS = ("none", "kfac")


def polyak_step_size(
    slope: Weights, direction: Weights, gap: Tensor, *, max_step_size: float | None = None
) -> Tensor:
    """Return ``gap / <slope, direction>`` per replicate (R,), at most ``max_step_size`` if given.

    direction = P^{-1} slope, so the denominator is |slope|^2 in the norm of P^{-1}, summed over
    both layers. gap = L - L* (R,) in [y]^2; a negative gap and a zero slope give step 0.
    Source: Polyak 1987; preconditioned as in Abdukhakimov et al. 2023 (arXiv 2310.02093).
    """
    pairs = zip(slope, direction, strict=True)
    squared = torch.stack([(grad * move).sum((-2, -1)) for grad, move in pairs]).sum(0)
    positive = squared > 0
    ratio = gap.clamp(min=0.0) / torch.where(positive, squared, 1.0)
    ratio = torch.where(positive, ratio, 0.0)
    return ratio if max_step_size is None else ratio.clamp(max=max_step_size)


def kfac_direction(weights: Weights, slope: Weights, cov_x: Tensor, damping: float) -> Weights:
    """Return KFAC's joint direction: what a step of size 1 subtracts."""
    F, G = weights
    require_full_column_rank(F)
    zero_F, zero_G = torch.zeros_like(F), torch.zeros_like(G)
    dG = -kfac_step(zero_G, F, slope.representation, cov_x, step_size=1.0, damping=damping)
    hidden = G @ cov_x @ G.mT
    dF = -kfac_head_step(
        zero_F, G, slope.head, cov_x, step_size=1.0, damping=damping, hidden=hidden
    )
    return Weights(dF, dG)


def polyak(
    *,
    step_size: float = 1.0,
    loss_star: float = 0.0,
    preconditioner: str = "none",
    damping: float = 0.0,
    max_step_size: float | None = None,
) -> Method:
    """Joint descent with the step ``step_size (L - L*) / |grad|^2_{P^-1}``.

    The quotient is cut at ``max_step_size`` if given. L is the loss on the batch, loss_star the
    value L* it can reach (m sigma^2/2 on fresh noisy batches, 0 without noise), in [y]^2;
    step_size is a pure number.
    preconditioner: "none" (P = I) or "kfac" (the layer-wise factors of the joint form, damped).
    Raises: ValueError on bad hyper-parameters, a batch without rows; with "kfac" n < d without
    damping or F without full column rank.
    """
    require_step_size(step_size)
    require_non_negative("loss_star", loss_star)
    require_choice("preconditioner", preconditioner, PRECONDITIONERS)
    require_damping(damping)
    if max_step_size is not None:
        require_step_size(max_step_size, "max_step_size")

    def step(weights: Weights, memory: Memory, batch: Batch) -> tuple[Weights, Memory]:
        gap = loss(weights, *require_rows(batch, "polyak")) - loss_star
        slope = gradients(weights, batch)
        direction = slope
        if preconditioner == "kfac":
            require_enough_rows(batch, damping)
            direction = kfac_direction(weights, slope, batch.cov_x, damping)
        eta = step_size * polyak_step_size(slope, direction, gap, max_step_size=max_step_size)
        pairs = zip(weights, direction, strict=True)
        return Weights(*[W - eta[..., None, None] * move for W, move in pairs]), memory

    hyperparameters: dict[str, float | str | bool] = {
        "step_size": step_size,
        "loss_star": loss_star,
        "preconditioner": preconditioner,
        "damping": damping,
    }
    if max_step_size is not None:
        hyperparameters["max_step_size"] = max_step_size
    return Method(
        "polyak",
        step,
        hyperparameters=hyperparameters,
        needs_rows=True,
        invariances=EVERY if preconditioner == "kfac" and damping == 0.0 else ROTATIONS,
    )
