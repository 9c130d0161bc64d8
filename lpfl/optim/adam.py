"""Adam."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from lpfl.optim.core.average import blended
from lpfl.optim.core.hyper import decay, non_negative
from lpfl.optim.core.invariances import SIGNED_PERMUTATIONS
from lpfl.optim.drive import layerwise
from lpfl.optim.rule import Layer, MatrixRule


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
    if epsilon >= torch.finfo(scale.dtype).tiny:
        return mean / scale
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
        blended(state.first, grad, beta1),
        blended(state.second, grad.square(), beta2),
        state.age + 1,
    )
    return W - step_size * adam_direction(*state, beta1=beta1, beta2=beta2, epsilon=epsilon), state


@dataclass(frozen=True, kw_only=True)
class Adam(MatrixRule):
    """Adam (Kingma and Ba 2015)."""

    name: ClassVar[str] = "adam"

    beta1: float = decay(0.9, "decay of the mean gradient")
    beta2: float = decay(0.999, "decay of the mean squared gradient")
    epsilon: float = non_negative(1e-8, "added to the root, in units of the gradient")

    def start(self, W: Tensor) -> Any:
        return adam_start(W)

    def update(self, W: Tensor, grad: Tensor, state: Any, layer: Layer) -> tuple[Tensor, Any]:
        return adam_step(W, grad, state, **self.hyperparameters())

    @property
    def invariances(self) -> tuple[str, ...]:
        return SIGNED_PERMUTATIONS


adam = layerwise(Adam)
