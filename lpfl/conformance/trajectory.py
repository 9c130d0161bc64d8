"""A run's parameters over time, and relative distances between runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Trajectory:
    """values[t][i]: parameter i after t steps (values[0] is the start), float64 copies on CPU."""

    values: list[list[torch.Tensor]]
    optimizer: Any = None

    @property
    def steps(self) -> int:
        """Number of steps taken."""
        return len(self.values) - 1

    @property
    def end(self) -> list[torch.Tensor]:
        """Parameters after the last step."""
        return self.values[-1]

    def moves(self, i: int = 0) -> list[torch.Tensor]:
        """Return the update of parameter i in each step."""
        return [b[i] - a[i] for a, b in zip(self.values, self.values[1:], strict=False)]

    def displacement(self) -> float:
        """Return the norm of the whole way from the start to the end."""
        return distance(self.end, self.values[0])

    @property
    def finite(self) -> bool:
        """Whether every value is a finite number."""
        return all(bool(v.isfinite().all()) for step in self.values for v in step)


def distance(a: Sequence[torch.Tensor], b: Sequence[torch.Tensor]) -> float:
    """Return the Euclidean distance of two lists of tensors, in float64."""
    squares = [float((x.double() - y.double()).square().sum()) for x, y in zip(a, b, strict=True)]
    return float(sum(squares)) ** 0.5


def size(values: Sequence[torch.Tensor]) -> float:
    """Return the Euclidean norm of a list of tensors."""
    return float(sum(float(v.double().square().sum()) for v in values)) ** 0.5


def reach(run: Trajectory) -> float:
    """Return the largest distance of a run from its start."""
    return max((distance(v, run.values[0]) for v in run.values), default=0.0)


def gap(one: Trajectory, two: Trajectory) -> float:
    """Return the largest distance of two runs at equal times, over the way run ``two`` went.

    1.0 where only one of them stays finite; 0.0 where neither moves.
    """
    if one.finite != two.finite:
        return 1.0
    way = reach(two)
    apart = max(distance(a, b) for a, b in zip(one.values, two.values, strict=True))
    if apart == 0 or not one.finite:
        return 0.0
    return apart / way if way > 0 else float("inf")


def end_gap(one: Trajectory, two: Trajectory) -> float:
    """Return the distance of the ends of two runs, over the way from start to end of run two.

    1.0 where only one of them stays finite.
    """
    if one.finite != two.finite:
        return 1.0
    way = two.displacement()
    apart = distance(one.end, two.end)
    return apart / way if way > 0 else float("inf") if apart > 0 else 0.0
