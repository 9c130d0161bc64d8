"""De-bias and feature-whiten: head from one batch, whitened gradient step on another."""

from torch import Tensor

from lpfl.linalg import orthonormal_rows
from lpfl.optim.foof import foof_step
from lpfl.optim.invariances import INPUT_ROTATIONS
from lpfl.optim.kfac import require_enough_rows
from lpfl.optim.method import Memory, Method, require_damping, require_step_size
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


def dfw(*, step_size: float = 1e-2, damping: float = 0.0) -> Method:
    """De-bias and feature-whiten; a step takes the pair (batch of the head, batch of G).

    Raises: ValueError on bad hyper-parameters, a step without two batches, or n < d in the second
    one without damping.
    """
    require_step_size(step_size)
    require_damping(damping)

    def step(
        weights: Weights, memory: Memory, batches: tuple[Batch, Batch]
    ) -> tuple[Weights, Memory]:
        if isinstance(batches, Batch) or len(batches) != 2:
            raise ValueError("dfw got one batch, needs two: (head, representation)")
        head_batch, batch = batches
        require_enough_rows(batch, damping)
        G = weights.representation
        return dfw_step(G, head_batch, batch, step_size=step_size, damping=damping), memory

    return Method(
        "dfw",
        step,
        hyperparameters={"step_size": step_size, "damping": damping},
        orthonormal=True,
        batches=2,
        invariances=INPUT_ROTATIONS,
    )
