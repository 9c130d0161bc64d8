"""KFAC on one layer after the other (Gauss-Seidel): the head first, then the representation."""

from lpfl.optim.average import smooth
from lpfl.optim.invariances import EVERY, ROTATIONS
from lpfl.optim.kfac import (
    kfac_head_step,
    kfac_step,
    require_enough_rows,
    require_full_column_rank,
)
from lpfl.optim.method import Memory, Method, require_damping, require_decay, require_step_size
from lpfl.problems.linear_representation import Batch, Weights, gradients


def kfac_sequential(
    *,
    step_size: float = 1e-2,
    head_step_size: float | None = None,
    damping: float = 0.0,
    averaging: float = 0.0,
) -> Method:
    """Sequential KFAC: F+ from (F, G), then G+ from (F+, G), on the same batch.

    Undamped and without averaging F+ = (1 - head_step_size) F + head_step_size F_ls(G): the head
    is a moving average of least squares, and head_step_size = 1 is alternating KFAC. None takes
    ``step_size`` for the head.
    averaging: decay of the moving averages of F'F, Sh and G Sh G'; 0 takes the current ones.
    Raises: ValueError on bad hyper-parameters, n < d without damping, or F+ without full column
    rank.
    Source: Zhang et al. 2025, eq. (5), layer by layer.
    """
    head_step_size = step_size if head_step_size is None else head_step_size
    require_step_size(step_size)
    require_step_size(head_step_size, "head_step_size")
    require_damping(damping)
    require_decay("averaging", averaging)

    def step(weights: Weights, memory: Memory, batch: Batch) -> tuple[Weights, Memory]:
        require_enough_rows(batch, damping)
        F, G = weights
        inner = {"hidden": G @ batch.cov_x @ G.mT, "input": batch.cov_x}
        factors, memory = smooth(memory, inner, averaging)
        F = kfac_head_step(
            F,
            G,
            gradients(weights, batch).head,
            batch.cov_x,
            step_size=head_step_size,
            damping=damping,
            hidden=factors["hidden"],
        )
        require_full_column_rank(F)
        outer, memory = smooth(memory, {"left": F.mT @ F}, averaging)
        G_next = kfac_step(
            G,
            F,
            gradients(Weights(F, G), batch).representation,
            factors["input"],
            step_size=step_size,
            damping=damping,
            left=outer["left"],
        )
        return Weights(F, G_next), memory

    hyperparameters = {
        "step_size": step_size,
        "head_step_size": head_step_size,
        "damping": damping,
        "averaging": averaging,
    }
    return Method(
        "kfac_sequential",
        step,
        hyperparameters=hyperparameters,
        invariances=EVERY if damping == 0.0 else ROTATIONS,
    )
