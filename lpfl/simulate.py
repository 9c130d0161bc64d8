"""The only loop over time. Every tensor carries a leading replicate axis."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from lpfl.linalg import require_finite
from lpfl.optim.core.method import Method
from lpfl.problems.linear_representation import Batch, Weights

Observe = Callable[[Weights], Tensor]


def simulate(
    method: Method,
    weights: Weights,
    next_batch: Callable[[int], Batch | tuple[Batch, ...]],
    *,
    num_steps: int,
    observe: Mapping[str, Observe] | None = None,
) -> tuple[Weights, dict[str, Tensor]]:
    """Run ``method`` for ``num_steps`` steps.

    next_batch(t) gives the data of step t (a tuple of batches for a method that takes several).
    Returns the final weights and, per observer, its values at times 0..num_steps stacked along
    axis 0: shape (num_steps + 1, R, ...).
    Raises ValueError if num_steps < 0 or if a weight stops being finite, naming the step.
    """
    if num_steps < 0:
        raise ValueError(f"num_steps={num_steps}, needs >= 0")
    observers = dict(observe or {})
    seen: dict[str, list[Tensor]] = {name: [look(weights)] for name, look in observers.items()}
    memory = method.init(weights)
    for t in range(num_steps):
        weights, memory = method.step(weights, memory, next_batch(t))
        for name, look in observers.items():
            seen[name].append(look(weights))
    for name, tensor in zip(weights._fields, weights, strict=True):
        require_finite(f"{method.name}: {name} after {num_steps} steps", tensor)
    return weights, {name: torch.stack(values) for name, values in seen.items()}
