"""Stochastic gradient descent."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from lpfl.optim.core.hyper import non_negative
from lpfl.optim.core.invariances import ROTATIONS
from lpfl.optim.drive import layerwise
from lpfl.optim.rule import Layer, MatrixRule


def sgd_step(W: Tensor, grad: Tensor, *, step_size: float) -> Tensor:
    """Return ``W - step_size grad``; any shape."""
    return W - step_size * grad


@dataclass(frozen=True, kw_only=True)
class Sgd(MatrixRule):
    """Stochastic gradient descent."""

    name: ClassVar[str] = "sgd"

    weight_decay: float = non_negative(0.0, "added to the gradient per unit of W")

    def update(self, W: Tensor, grad: Tensor, state: Any, layer: Layer) -> tuple[Tensor, Any]:
        if self.weight_decay:
            grad = grad + self.weight_decay * W
        return sgd_step(W, grad, step_size=self.step_size), state

    @property
    def invariances(self) -> tuple[str, ...]:
        return ROTATIONS


sgd = layerwise(Sgd)
