"""Adam with decoupled weight decay."""

from torch import Tensor

from lpfl.optim.adam import AdamState, adam_start, adam_step, require_adam
from lpfl.optim.invariances import SIGNED_PERMUTATIONS
from lpfl.optim.layerwise import layerwise
from lpfl.optim.method import Method, require_non_negative


def adamw_step(
    W: Tensor,
    grad: Tensor,
    state: AdamState,
    *,
    step_size: float,
    weight_decay: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> tuple[Tensor, AdamState]:
    """Return weights and state after one step from ``(1 - step_size weight_decay) W``.

    Units: step_size in those of W, weight_decay in their inverse.
    Source: Loshchilov and Hutter 2019, algorithm 2 with a constant schedule that multiplies the
    decay too.
    """
    shrunk = (1.0 - step_size * weight_decay) * W
    return adam_step(
        shrunk, grad, state, step_size=step_size, beta1=beta1, beta2=beta2, epsilon=epsilon
    )


def adamw(
    *,
    step_size: float = 1e-2,
    weight_decay: float = 1e-2,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    head: str = "joint",
) -> Method:
    """AdamW on head and representation."""
    require_adam(step_size, beta1, beta2, epsilon)
    require_non_negative("weight_decay", weight_decay)

    def rule(W: Tensor, grad: Tensor, state: AdamState) -> tuple[Tensor, AdamState]:
        return adamw_step(
            W,
            grad,
            state,
            step_size=step_size,
            weight_decay=weight_decay,
            beta1=beta1,
            beta2=beta2,
            epsilon=epsilon,
        )

    hyperparameters = {
        "step_size": step_size,
        "weight_decay": weight_decay,
        "beta1": beta1,
        "beta2": beta2,
        "epsilon": epsilon,
    }
    return layerwise(
        "adamw",
        start=adam_start,
        rule=rule,
        head=head,
        hyperparameters=hyperparameters,
        invariances=SIGNED_PERMUTATIONS,
    )
