"""KFAC on both layers at once, every gradient and factor taken at the old weights."""

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


def kfac_joint(
    *,
    step_size: float = 1e-2,
    head_step_size: float | None = None,
    damping: float = 0.0,
    averaging: float = 0.0,
) -> Method:
    """Simultaneous KFAC: G+ and F+ both from the old (F, G).

    G+ = G - step_size (F'F)^{-1} grad_G (Sh + damping I)^{-1};
    F+ = F - head_step_size grad_F (G Sh G' + damping I)^{-1} (None: the same step size).
    averaging: decay of the moving averages of the three factors; 0 takes the current ones.
    Raises: ValueError on bad hyper-parameters, n < d without damping, or F without full column
    rank.
    Source: Zhang et al. 2025, eq. (5), both layers.
    """
    head_step_size = step_size if head_step_size is None else head_step_size
    require_step_size(step_size)
    require_step_size(head_step_size, "head_step_size")
    require_damping(damping)
    require_decay("averaging", averaging)

    def step(weights: Weights, memory: Memory, batch: Batch) -> tuple[Weights, Memory]:
        require_enough_rows(batch, damping)
        F, G = weights
        require_full_column_rank(F)
        slope = gradients(weights, batch)
        current = {"left": F.mT @ F, "input": batch.cov_x, "hidden": G @ batch.cov_x @ G.mT}
        factors, memory = smooth(memory, current, averaging)
        G_next = kfac_step(
            G,
            F,
            slope.representation,
            factors["input"],
            step_size=step_size,
            damping=damping,
            left=factors["left"],
        )
        F_next = kfac_head_step(
            F,
            G,
            slope.head,
            batch.cov_x,
            step_size=head_step_size,
            damping=damping,
            hidden=factors["hidden"],
        )
        return Weights(F_next, G_next), memory

    hyperparameters = {
        "step_size": step_size,
        "head_step_size": head_step_size,
        "damping": damping,
        "averaging": averaging,
    }
    return Method(
        "kfac_joint",
        step,
        hyperparameters=hyperparameters,
        invariances=EVERY if damping == 0.0 else ROTATIONS,
    )
