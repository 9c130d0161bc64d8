"""A rule for one weight matrix: the part of an optimizer that does not know the model.

The same rule moves both layers of a linear representation, the first layer of a network and the
matrices of a torch module: see :mod:`lpfl.optim.drive` and :mod:`lpfl.optim.torch_form`.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from torch import Tensor

from lpfl.optim.core.hyper import Hyper, positive
from lpfl.problems.linear_representation import Batch, Weights


class Layer(NamedTuple):
    """What the layer of a matrix (..., a, b) saw on the batch.

    inputs (..., b, b): second moment of its inputs. outputs (..., a, a): factor of its outputs, by
    default the second moment of the derivative of the model's output; None stands for I.
    scale (..., 1, 1): factor on the step, from a clip over all layers; None stands for 1.
    """

    inputs: Tensor | None = None
    outputs: Tensor | None = None
    scale: Tensor | None = None


NOTHING_SEEN = Layer()


@dataclass(frozen=True, kw_only=True)
class MatrixRule(Hyper):
    """How one matrix moves, given its gradient and what its layer saw.

    ``start(W)`` returns the state before the first step, ``update(W, grad, state, layer)`` the
    matrix and the state after a step; both are pure and broadcast over leading axes, and the
    structure of the state never changes. needs_layer: the rule reads ``layer``.
    """

    name: ClassVar[str]
    needs_layer: ClassVar[bool] = False

    step_size: float = positive(1e-2, "step size")

    @property
    def batches(self) -> int:
        """How many batches a step takes: 2 if what a layer saw comes from a batch of its own."""
        return 1

    def start(self, W: Tensor) -> Any:
        """Return the state before the first step; a rule without memory has ()."""
        return ()

    def update(self, W: Tensor, grad: Tensor, state: Any, layer: Layer) -> tuple[Tensor, Any]:
        """Return the matrix and the state after one step."""
        raise NotImplementedError

    def require(self, layer: str, weights: Weights, batch: Batch) -> None:
        """Refuse weights or a batch that the rule cannot use (nothing by default).

        layer: "representation" or "head" of a linear representation.
        """

    def outputs(self, layer: str, weights: Weights, batch: Batch, state: Any) -> Tensor | None:
        """Return the factor of a layer's outputs (F'F for the representation); None stands for I.

        layer: as for ``require``. batch: that of the gradients.
        """
        F = weights.head
        return F.mT @ F if layer == "representation" else None

    @property
    def needs_rows(self) -> bool:
        """The rule reads single rows of a batch."""
        return False

    @property
    def clip(self) -> float | None:
        """The bound on the decreases of all layers that move together; None: no clip."""
        return None

    def decrease(self, W: Tensor, grad: Tensor, state: Any, layer: Layer) -> Tensor:
        """Return step_size <gradient, step> of the step before a clip, (..., 1, 1)."""
        raise NotImplementedError

    @property
    def invariances(self) -> tuple[str, ...] | None:
        """The changes of variables that do not change training, when both layers follow the rule.

        None: not stated.
        """
        return None
