"""FOOF: KFAC's input side alone, P = I."""

from torch import Tensor

from lpfl.linalg import right_solve
from lpfl.optim.average import smooth
from lpfl.optim.invariances import INPUT_MAPS, ROTATIONS
from lpfl.optim.kfac import damped, kfac_head_step, require_enough_rows
from lpfl.optim.method import (
    Hyperparameters,
    Memory,
    Method,
    require_choice,
    require_damping,
    require_decay,
    require_step_size,
)
from lpfl.problems.linear_representation import Batch, Weights, gradients, least_squares_head

HEADS = ("least_squares", "joint")


def foof_step(
    W: Tensor, grad: Tensor, cov_in: Tensor, *, step_size: float, damping: float = 0.0
) -> Tensor:
    """Return ``W - step_size grad (cov_in + damping I)^{-1}``.

    Shapes: W, grad (..., a, b); cov_in (..., b, b), the second moment of the layer's inputs.
    Units: cov_in and damping in squared inputs; step_size in those of the squared weights that
    follow the layer, inverted.
    Raises: torch.linalg.LinAlgError if cov_in + damping I is singular.
    Source: Benzing 2022.
    """
    return W - step_size * right_solve(grad, damped(cov_in, damping))


def foof(
    *,
    step_size: float = 1e-2,
    damping: float = 0.0,
    averaging: float = 0.0,
    head: str = "least_squares",
) -> Method:
    """FOOF step on the representation; head refitted ("least_squares") or stepped too ("joint").

    averaging: decay of the moving averages of the input moments; 0 takes those of the batch.
    Raises: ValueError on bad hyper-parameters or n < d without damping.
    """
    require_step_size(step_size)
    require_damping(damping)
    require_decay("averaging", averaging)
    require_choice("head", head, HEADS)

    def step(weights: Weights, memory: Memory, batch: Batch) -> tuple[Weights, Memory]:
        require_enough_rows(batch, damping)
        F, G = weights
        if head == "least_squares":
            F = least_squares_head(G, batch)
        slope = gradients(Weights(F, G), batch)
        current = {"input": batch.cov_x}
        if head == "joint":
            current["hidden"] = G @ batch.cov_x @ G.mT
        factors, memory = smooth(memory, current, averaging)
        if head == "joint":
            F = kfac_head_step(
                F,
                G,
                slope.head,
                batch.cov_x,
                step_size=step_size,
                damping=damping,
                hidden=factors["hidden"],
            )
        G_next = foof_step(
            G, slope.representation, factors["input"], step_size=step_size, damping=damping
        )
        return Weights(F, G_next), memory

    hyperparameters: Hyperparameters = {
        "step_size": step_size,
        "damping": damping,
        "averaging": averaging,
        "head": head,
    }
    return Method(
        "foof",
        step,
        hyperparameters=hyperparameters,
        invariances=(*INPUT_MAPS, "gauge_rotation") if damping == 0.0 else ROTATIONS,
    )
