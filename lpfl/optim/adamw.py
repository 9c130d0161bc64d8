"""Adam with decoupled weight decay."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from lpfl.optim.adam import Adam, AdamState, adam_step
from lpfl.optim.core.hyper import non_negative
from lpfl.optim.drive import layerwise
from lpfl.optim.rule import Layer


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


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    name: ClassVar[str] = "adamw"

    weight_decay: float = non_negative(1e-2, "decay, in inverse units of the step size")

    def update(self, W: Tensor, grad: Tensor, state: Any, layer: Layer) -> tuple[Tensor, Any]:
        return adamw_step(W, grad, state, **self.hyperparameters())


adamw = layerwise(AdamW)
