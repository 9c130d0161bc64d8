"""De-bias and feature-whiten: head from one batch, whitened gradient step on another."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from lpfl.linalg import orthonormal_rows
from lpfl.optim.core.hyper import Hyper, non_negative, positive
from lpfl.optim.core.invariances import INPUT_ROTATIONS
from lpfl.optim.core.method import Memory, Method
from lpfl.optim.core.whitening import foof_step
from lpfl.optim.drive import whole_model
from lpfl.optim.kfac import require_enough_rows
from lpfl.problems.linear_representation import Batch, Weights, gradients, least_squares_head


def dfw_step(
    G: Tensor, head_batch: Batch, batch: Batch, *, step_size: float, damping: float = 0.0
) -> Weights:
    """Return head and representation after one step from orthonormal rows G (R, k, d).

    F = F_ls(G) on ``head_batch``; G+ = G - step_size grad_G (Sh + damping I)^{-1}, gradient and
    Sh from ``batch``; the rows of G+ are orthonormalised.
    Units: step_size in 1/[y]^2, damping in [x]^2.
    Source: Zhang et al. 2023 (arXiv 2308.04428).
    """
    F = least_squares_head(G, head_batch)
    grad_G = gradients(Weights(F, G), batch).representation
    moved = foof_step(G, grad_G, batch.cov_x, step_size=step_size, damping=damping)
    return Weights(F, orthonormal_rows(moved))


@dataclass(frozen=True, kw_only=True)
class Dfw(Hyper):
    """De-bias and feature-whiten; a step takes the pair (batch of the head, batch of G).

    Raises: ValueError in a step without two batches, or n < d in the second one without damping.
    """

    name: ClassVar[str] = "dfw"

    step_size: float = positive(1e-2, "step size")
    damping: float = non_negative(0.0, "added to the second moment of the inputs")

    def step(
        self, weights: Weights, memory: Memory, batches: tuple[Batch, Batch]
    ) -> tuple[Weights, Memory]:
        if isinstance(batches, Batch) or len(batches) != 2:
            raise ValueError("dfw got one batch, needs two: (head, representation)")
        head_batch, batch = batches
        require_enough_rows(batch, self.damping)
        G = weights.representation
        return dfw_step(
            G, head_batch, batch, step_size=self.step_size, damping=self.damping
        ), memory

    def method(self) -> Method:
        """Return the method on a linear representation."""
        return Method(
            self.name,
            self.step,
            hyperparameters=self.hyperparameters(),
            orthonormal=True,
            batches=2,
            invariances=INPUT_ROTATIONS,
        )


dfw = whole_model(Dfw)
