"""Points of a sweep: every combination of values, or points spread over ranges."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lpfl.sweep.reading import Section, is_number, shown

MOST_VALUES = 1000
MOST_POINTS = 1_000_000
KINDS = ("grid", "random")
SCALES = ("linear", "log")
DIGITS = 6
"""Significant digits of a value that a range gives."""


@dataclass(frozen=True)
class Axis:
    """One thing that varies: listed ``values`` (numbers or words), or a range [low, high].

    whole: its values are integers. count: how many values of a range a grid takes.
    """

    name: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    count: int = 0
    log: bool = False
    whole: bool = False

    @property
    def listed(self) -> tuple[Any, ...]:
        """The values on a grid."""
        if self.values:
            return self.values
        shares = [i / max(self.count - 1, 1) for i in range(self.count)]
        return tuple(dict.fromkeys(self.at(share) for share in shares))

    def at(self, share: float) -> Any:
        """Return the value at a share in [0, 1] of the range, or of the list."""
        if self.values:
            return self.values[min(int(share * len(self.values)), len(self.values) - 1)]
        if self.log:
            raw = self.low * (self.high / self.low) ** share
        else:
            raw = self.low + (self.high - self.low) * share
        if self.whole:
            return min(max(round(raw), math.ceil(self.low)), math.floor(self.high))
        return min(max(float(f"{raw:.{DIGITS}g}"), self.low), self.high)


@dataclass(frozen=True)
class Design:
    """Axes, and how points are chosen: "grid", or "random" with that many ``points``."""

    kind: str
    axes: tuple[Axis, ...]
    points: int = 0

    def __post_init__(self) -> None:
        if not 1 <= len(self) <= MOST_POINTS:
            raise ValueError(f"the design has {len(self)} points, needs 1 to {MOST_POINTS}")

    def __len__(self) -> int:
        if self.kind == "random":
            return self.points
        return math.prod(len(axis.listed) for axis in self.axes)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the values of each point by axis; the last axis varies fastest."""
        names = [axis.name for axis in self.axes]
        if self.kind == "grid":
            for values in itertools.product(*(axis.listed for axis in self.axes)):
                yield dict(zip(names, values, strict=True))

    def spread(self, seed: int) -> list[dict[str, Any]]:
        """Return the points of a random design: scrambled Sobol points, the same for a seed."""
        from scipy.stats import qmc

        sampler = qmc.Sobol(len(self.axes), scramble=True, rng=seed % 2**32)
        unit = sampler.random_base2(max(0, math.ceil(math.log2(self.points))))[: self.points]
        return [
            {axis.name: axis.at(float(u)) for axis, u in zip(self.axes, row, strict=True)}
            for row in unit
        ]

    def all_points(self, seed: int) -> list[dict[str, Any]]:
        """Return the points in order."""
        return list(self) if self.kind == "grid" else self.spread(seed)


def read_design(section: Section, axes: Section, whole: Mapping[str, bool]) -> Design:
    """Return the design of ``[design]`` and ``[axes]``; whole: which names are integers.

    Raises ValueError naming a value and its bound.
    """
    kind = section.word("kind", KINDS, "grid")
    points = section.whole("points", 1, MOST_POINTS) if kind == "random" else 0
    section.done()
    read = tuple(
        _axis(name, Section(f"{axes.path}.{name}", axes.take(name)), kind, whole.get(name, False))
        for name in axes.names()
    )
    axes.done()
    if not read:
        raise ValueError(f"{axes.path} is empty, needs at least one axis")
    return Design(kind, read, points)


def _axis(name: str, section: Section, kind: str, whole: bool) -> Axis:
    if section.has("values"):
        axis = Axis(name, values=_values(section), whole=whole)
        section.done()
        return axis
    low, high = section.number("low"), section.number("high")
    log = section.word("scale", SCALES, "linear") == "log"
    if not low < high:
        raise section.error("high", high, f"a number above low={low:g}")
    if log and low <= 0:
        raise section.error("low", low, "a number above 0 on a log scale")
    if whole and math.ceil(low) > math.floor(high):
        raise section.error("high", high, "a range that holds an integer")
    count = section.whole("count", 2, MOST_VALUES) if kind == "grid" else 0
    section.done()
    return Axis(name, (), low, high, count, log, whole)


def _values(section: Section) -> tuple[Any, ...]:
    values = section.take("values")
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise section.error("values", values, "a list")
    if not 1 <= len(values) <= MOST_VALUES:
        raise ValueError(
            f"{section.path}.values has {len(values)} values, needs 1 to {MOST_VALUES}"
        )
    numbers = all(is_number(value) for value in values)
    words = all(isinstance(value, str) for value in values)
    if not numbers and not words:
        bad = next((v for v in values if not is_number(v) and not isinstance(v, str)), values)
        raise section.error("values", bad, "finite numbers, or words")
    if len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise ValueError(f"{section.path}.values has {shown(twice)} twice, needs it once")
    return tuple(values)
