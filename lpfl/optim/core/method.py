"""What an optimizer is here: a pure step, and its name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from lpfl.optim.core.invariances import EVERY
from lpfl.problems.linear_representation import Batch, Weights

Memory = Mapping[str, Any]
Hyperparameters = Mapping[str, float | str | bool]
Init = Callable[[Weights], Memory]
Step = Callable[[Weights, Memory, Batch], tuple[Weights, Memory]]


def no_memory(weights: Weights) -> Memory:
    """Return the memory of a method that has none."""
    return {}


@dataclass(frozen=True)
class Method:
    """An optimizer for linear representation learning.

    init(weights) -> memory; step(weights, memory, batch) -> (weights, memory). Both are pure and
    broadcast over the leading replicate axis. needs_rows: the step reads batch.inputs/targets.
    orthonormal: the method keeps the rows of G orthonormal and expects them so at the start.
    batches: how many independent batches one step consumes (DFW takes two, stacked in a tuple).
    invariances: every change of variables in ``invariances.EVERY`` under which the function that
    is trained stays the same, and no other; None: not stated.
    Raises ValueError for a change of variables of another name.
    """

    name: str
    step: Callable[..., tuple[Weights, Memory]]
    init: Init = no_memory
    hyperparameters: Hyperparameters = field(default_factory=dict)
    needs_rows: bool = False
    orthonormal: bool = False
    batches: int = 1
    invariances: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if unknown := set(self.invariances or ()) - set(EVERY):
            raise ValueError(
                f"{self.name}: invariances name {sorted(unknown)}, needs some of {EVERY}"
            )


def require_rows(batch: Batch, name: str) -> tuple[Tensor, Tensor]:
    """Return the rows X (R, n, d), Y (R, n, m); raise ValueError if the batch has none."""
    if batch.inputs is None or batch.targets is None:
        raise ValueError(f"{name} reads single samples, needs a batch with inputs and targets")
    return batch.inputs, batch.targets
