"""Polyak's step size along a gradient that may be preconditioned layer by layer."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lpfl.optim.core.hyper import Hyper, choice, non_negative, positive
from lpfl.optim.core.invariances import EVERY, ROTATIONS
from lpfl.optim.core.method import (
    Memory,
    Method,
    require_rows,
)
from lpfl.optim.drive import whole_model
from lpfl.optim.kfac import (
    kfac_head_step,
    kfac_step,
    require_enough_rows,
    require_full_column_rank,
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


@dataclass(frozen=True, kw_only=True)
class Polyak(Hyper):
    """Joint descent with the step ``step_size (L - L*) / |grad|^2_{P^-1}``.

    L is the loss on the batch, in [y]^2; L* the value it can reach: m sigma^2/2 on fresh noisy
    batches, 0 without noise. preconditioner "none" has P = I, "kfac" the layer-wise factors of
    the joint form, damped.
    Raises: ValueError in a step on a batch without rows; with "kfac" for n < d without damping or
    F without full column rank.
    """

    name: ClassVar[str] = "polyak"

    step_size: float = positive(1.0, "factor on the quotient, a pure number")
    loss_star: float = non_negative(0.0, "the value L* of the loss that can be reached")
    preconditioner: str = choice("none", "norm of the gradient", among=PRECONDITIONERS)
    damping: float = non_negative(0.0, "of the factors of the preconditioner")
    max_step_size: float | None = positive(None, "cut of the quotient", optional=True)

    def step(self, weights: Weights, memory: Memory, batch: Batch) -> tuple[Weights, Memory]:
        gap = loss(weights, *require_rows(batch, "polyak")) - self.loss_star
        slope = gradients(weights, batch)
        direction = slope
        if self.preconditioner == "kfac":
            require_enough_rows(batch, self.damping)
            direction = kfac_direction(weights, slope, batch.cov_x, self.damping)
        eta = self.step_size * polyak_step_size(
            slope, direction, gap, max_step_size=self.max_step_size
        )
        pairs = zip(weights, direction, strict=True)
        return Weights(*[W - eta[..., None, None] * move for W, move in pairs]), memory

    def method(self) -> Method:
        """Return the method on a linear representation."""
        return Method(
            self.name,
            self.step,
            hyperparameters=self.hyperparameters(),
            needs_rows=True,
            invariances=EVERY
            if self.preconditioner == "kfac" and self.damping == 0.0
            else ROTATIONS,
        )


polyak = whole_model(Polyak)
