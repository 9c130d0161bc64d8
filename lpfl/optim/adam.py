"""Adam."""

from typing import NamedTuple

import torch
from torch import Tensor

from lpfl.optim.invariances import SIGNED_PERMUTATIONS
from lpfl.optim.layerwise import layerwise
from lpfl.optim.method import Method, require_decay, require_non_negative, require_step_size


class AdamState(NamedTuple):
    """Decayed sums of the gradient and of its entrywise square, and the number of steps."""

    first: Tensor
    second: Tensor
    age: int


def adam_start(W: Tensor) -> AdamState:
    """Return the state before the first step."""
    return AdamState(torch.zeros_like(W), torch.zeros_like(W), 0)


def adam_direction(
    first: Tensor, second: Tensor, age: int, *, beta1: float, beta2: float, epsilon: float
) -> Tensor:
    """Return ``m / (sqrt(v) + epsilon)`` with both moments bias-corrected at step ``age``.

    0/0 (a gradient entry that was always zero, epsilon = 0) is 0.
    """
    mean = first / (1.0 - beta1**age)
    scale = (second / (1.0 - beta2**age)).sqrt() + epsilon
    return torch.where(scale > 0, mean / torch.where(scale > 0, scale, 1.0), 0.0)


def adam_step(
    W: Tensor,
    grad: Tensor,
    state: AdamState,
    *,
    step_size: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> tuple[Tensor, AdamState]:
    """Return weights and state after one step; any shape.

    Units: step_size in those of W, epsilon in those of the gradient.
    Source: Kingma and Ba 2015, algorithm 1.
    """
    state = AdamState(
        beta1 * state.first + (1.0 - beta1) * grad,
        beta2 * state.second + (1.0 - beta2) * grad.square(),
        state.age + 1,
    )
    return W - step_size * adam_direction(*state, beta1=beta1, beta2=beta2, epsilon=epsilon), state


def require_adam(step_size: float, beta1: float, beta2: float, epsilon: float) -> None:
    """Raise ValueError unless step_size > 0, both decays are in [0, 1) and epsilon >= 0."""
    require_step_size(step_size)
    require_decay("beta1", beta1)
    require_decay("beta2", beta2)
    require_non_negative("epsilon", epsilon)


def adam(
    *,
    step_size: float = 1e-2,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    head: str = "joint",
) -> Method:
    """Adam on head and representation."""
    require_adam(step_size, beta1, beta2, epsilon)

    def rule(W: Tensor, grad: Tensor, state: AdamState) -> tuple[Tensor, AdamState]:
        return adam_step(
            W, grad, state, step_size=step_size, beta1=beta1, beta2=beta2, epsilon=epsilon
        )

    hyperparameters = {
        "step_size": step_size,
        "beta1": beta1,
        "beta2": beta2,
        "epsilon": epsilon,
    }
    return layerwise(
        "adam",
        start=adam_start,
        rule=rule,
        head=head,
        hyperparameters=hyperparameters,
        invariances=SIGNED_PERMUTATIONS,
    )
