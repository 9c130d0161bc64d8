"""SignSGD, with optional momentum (Signum)."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from lpfl.optim.core.hyper import decay, positive
from lpfl.optim.core.invariances import SIGNED_PERMUTATIONS
from lpfl.optim.drive import layerwise
from lpfl.optim.rule import Layer, MatrixRule


def sign_sgd_step(
    W: Tensor, grad: Tensor, average: Tensor, *, step_size: float, momentum: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Return weights and gradient average after one step; any shape, the average starts at zero.

    a+ = momentum a + (1 - momentum) grad; W+ = W - step_size sign(a+), sign(0) = 0.
    Units: step_size in those of W.
    Source: Bernstein et al. 2018, algorithms 1 and 2.
    """
    average = momentum * average + (1.0 - momentum) * grad
    return W - step_size * average.sign(), average


@dataclass(frozen=True, kw_only=True)
class SignSgd(MatrixRule):
    """SignSGD, with optional momentum (Signum; Bernstein et al. 2018)."""

    name: ClassVar[str] = "sign_sgd"

    step_size: float = positive(1e-3, "step size, in units of the weights")
    momentum: float = decay(0.0, "weight of the past in the gradient average")

    def start(self, W: Tensor) -> Any:
        return torch.zeros_like(W)

    def update(self, W: Tensor, grad: Tensor, state: Any, layer: Layer) -> tuple[Tensor, Any]:
        return sign_sgd_step(W, grad, state, **self.hyperparameters())

    @property
    def invariances(self) -> tuple[str, ...]:
        return SIGNED_PERMUTATIONS


sign_sgd = layerwise(SignSgd)
