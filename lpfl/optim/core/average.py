"""Exponential moving averages of a method's statistics."""

from typing import NamedTuple

import torch
from torch import Tensor


class Average(NamedTuple):
    """A decayed sum of tensors and the sum of its weights."""

    total: Tensor
    weight: float

    @property
    def mean(self) -> Tensor:
        """The weighted mean of what was seen (no pull towards the zero start)."""
        return self.total / self.weight


def blended(past: Tensor, value: Tensor, decay: float) -> Tensor:
    """Return ``decay past + (1 - decay) value``, in one pass over the entries."""
    return torch.lerp(past, value, 1.0 - decay)


def include(average: Average | None, value: Tensor, decay: float) -> Average:
    """Return the average after one more value: weights decay as ``decay^age``."""
    if average is None:
        return Average((1.0 - decay) * value, 1.0 - decay)
    return Average(
        decay * average.total + (1.0 - decay) * value, decay * average.weight + 1.0 - decay
    )
