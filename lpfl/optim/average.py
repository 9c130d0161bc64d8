"""Exponential moving averages of a method's statistics."""

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from lpfl.optim.method import Memory


class Average(NamedTuple):
    """A decayed sum of tensors and the sum of its weights."""

    total: Tensor
    weight: float

    @property
    def mean(self) -> Tensor:
        """The weighted mean of what was seen (no pull towards the zero start)."""
        return self.total / self.weight


def include(average: Average | None, value: Tensor, decay: float) -> Average:
    """Return the average after one more value: weights decay as ``decay^age``."""
    if average is None:
        return Average((1.0 - decay) * value, 1.0 - decay)
    return Average(
        decay * average.total + (1.0 - decay) * value, decay * average.weight + 1.0 - decay
    )


def smooth(
    memory: Memory, values: Mapping[str, Tensor], decay: float
) -> tuple[dict[str, Tensor], Memory]:
    """Return the moving average of each named value, and the memory that holds them.

    decay 0 returns the values themselves and stores nothing.
    """
    if decay == 0.0:
        return dict(values), memory
    averages = {name: include(memory.get(name), value, decay) for name, value in values.items()}
    means = {name: average.mean for name, average in averages.items()}
    return means, {**memory, **averages}
