"""FOOF: KFAC's input side alone, P = I."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from lpfl.optim.core.hyper import choice
from lpfl.optim.core.invariances import INPUT_MAPS, ROTATIONS
from lpfl.optim.core.method import Method
from lpfl.optim.core.whitening import foof_step as foof_step
from lpfl.optim.drive import dressed, on_linear_representation
from lpfl.optim.kfac import Kfac, require_enough_rows
from lpfl.optim.rule import Layer
from lpfl.problems.linear_representation import Batch, Weights

HEADS = ("least_squares", "joint")


@dataclass(frozen=True, kw_only=True)
class Foof(Kfac):
    """FOOF: ``W - step_size grad (Q + damping I)^{-1}`` (Benzing 2022)."""

    name: ClassVar[str] = "foof"

    output_factor: str = choice("identity", "P = I", among=("identity",))
    head: str = choice("least_squares", "head refitted on the batch, or moved too", among=HEADS)

    def update(self, W: Tensor, grad: Tensor, state: Any, layer: Layer) -> tuple[Tensor, Any]:
        return super().update(W, grad, state, layer._replace(outputs=None))

    def decrease(self, W: Tensor, grad: Tensor, state: Any, layer: Layer) -> Tensor:
        return super().decrease(W, grad, state, layer._replace(outputs=None))

    def require(self, layer: str, weights: Weights, batch: Batch) -> None:
        require_enough_rows(batch, self.damping)

    @property
    def invariances(self) -> tuple[str, ...]:
        free = self.damping == 0.0 and self.metric_free
        return (*INPUT_MAPS, "gauge_rotation") if free else ROTATIONS


def on_layers(**values: Any) -> Method:
    """Return the method for the head that the rule names."""
    rule = Foof(**values)
    return on_linear_representation(rule, head=rule.head)


foof = dressed(on_layers, Foof)
