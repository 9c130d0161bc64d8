"""SGD with heavy-ball, averaged or Nesterov momentum."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from lpfl.optim.core.hyper import decay, flag
from lpfl.optim.core.invariances import ROTATIONS
from lpfl.optim.drive import layerwise
from lpfl.optim.rule import Layer, MatrixRule


def sgd_momentum_step(
    W: Tensor,
    grad: Tensor,
    velocity: Tensor,
    *,
    step_size: float,
    momentum: float,
    nesterov: bool = False,
    averaged: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return weights and velocity after one step; any shape, velocity starts at zero.

    v+ = momentum v + grad; W+ = W - step_size v+, or W - step_size (grad + momentum v+) with
    Nesterov. averaged: the gradient enters v with weight 1 - momentum.
    Units: v in those of the gradient; step_size as for SGD.
    Source: Sutskever et al. 2013, in the form in which the step size stands outside v.
    """
    velocity = momentum * velocity + ((1.0 - momentum) * grad if averaged else grad)
    direction = grad + momentum * velocity if nesterov else velocity
    return W - step_size * direction, velocity


@dataclass(frozen=True, kw_only=True)
class SgdMomentum(MatrixRule):
    """SGD with heavy-ball, averaged or Nesterov momentum."""

    name: ClassVar[str] = "sgd_momentum"

    momentum: float = decay(0.9, "weight of the past velocity")
    nesterov: bool = flag(False, "look ahead by one velocity")
    averaged: bool = flag(False, "the gradient enters the velocity with weight 1 - momentum")

    def check(self) -> None:
        if self.nesterov and self.momentum == 0.0:
            raise ValueError(f"momentum={self.momentum}, needs > 0 with nesterov")
        if self.nesterov and self.averaged:
            raise ValueError(f"averaged={self.averaged}, needs False with nesterov")

    def start(self, W: Tensor) -> Any:
        return torch.zeros_like(W)

    def update(self, W: Tensor, grad: Tensor, state: Any, layer: Layer) -> tuple[Tensor, Any]:
        return sgd_momentum_step(W, grad, state, **self.hyperparameters())

    @property
    def invariances(self) -> tuple[str, ...]:
        return ROTATIONS


sgd_momentum = layerwise(SgdMomentum)
