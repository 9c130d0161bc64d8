"""Means with intervals, series of pictures, and how far points are from their lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from lpfl.decide import Outcome, interval_outcome

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over replicates and the half-width of its 95 % interval (Student's t)."""

    mean: float
    half_width: float

    @property
    def text(self) -> str:
        return f"{self.mean:.3f} ± {self.half_width:.3f}"


def estimate(samples: ArrayLike) -> Estimate:
    """Return the mean of (R,) numbers with its interval.

    Raises: ValueError for fewer than two numbers, or one that is not finite.
    """
    values = np.asarray(samples, dtype=np.float64)
    if values.size < 2:
        raise ValueError(f"samples has {values.size} numbers, needs >= 2 for an interval")
    if not np.isfinite(values).all():
        raise ValueError("samples has a number that is not finite")
    quantile = float(student.ppf((1 + CONFIDENCE) / 2, values.size - 1))
    spread = float(values.std(ddof=1))
    return Estimate(float(values.mean()), quantile * spread / sqrt(values.size))


@dataclass(frozen=True)
class Comparison:
    """A measured mean against its prediction; margin: what finite sizes may add, in its units."""

    where: str
    predicted: float
    measured: Estimate
    margin: float

    @property
    def gap(self) -> float:
        return self.measured.mean - self.predicted

    @property
    def outcome(self) -> Outcome:
        """Decided as every limit is: the 95 % interval against the margin."""
        return interval_outcome(self.gap, self.measured.half_width, self.margin)

    @property
    def agrees(self) -> bool:
        """The interval does not lie outside the margin."""
        return self.outcome is not Outcome.REFUTED


def verdict(comparisons: Sequence[Comparison], of: str) -> str:
    """Say how many points agree with their lines, and where the largest gap is.

    of: the quantity that is compared, with its unit if it has one.
    """
    outside = [one for one in comparisons if not one.agrees]
    worst = max(comparisons, key=lambda one: abs(one.gap))
    largest = (
        f"the largest gap of {of}, measured minus predicted, is {worst.gap:+.3f}, at {worst.where}"
    )
    total = len(comparisons)
    if not outside:
        return f"All {total} points agree with their lines within margin and interval; {largest}."
    places = "; ".join(f"{one.where} {one.gap:+.3f}" for one in outside)
    return f"{total - len(outside)} of {total} points agree; {largest}. Outside: {places}."


def curve(name: str, x: Iterable[float], y: Sequence[float], colour: int) -> dict[str, Any]:
    """Return the line of a prediction."""
    return {
        "name": f"{name}, predicted",
        "style": "line",
        "role": "prediction",
        "colour": colour,
        "x": [float(v) for v in x],
        "y": [float(v) for v in y],
    }


def dots(
    name: str, x: Sequence[float], estimates: Sequence[Estimate], colour: int
) -> dict[str, Any]:
    """Return a series of points with whiskers."""
    return {
        "name": name,
        "style": "points",
        "colour": colour,
        "x": [float(v) for v in x],
        "y": [one.mean for one in estimates],
        "low": [one.mean - one.half_width for one in estimates],
        "high": [one.mean + one.half_width for one in estimates],
    }


def picture(
    title: str,
    x_label: str,
    y_label: str,
    series: Sequence[dict[str, Any]],
    *,
    x_scale: str = "linear",
    note: str = "",
    **more: Any,
) -> dict[str, Any]:
    """Return the data of one picture; ``more`` as ``lpfl.report.pictures`` reads it."""
    return {
        "title": title,
        "x_label": x_label,
        "y_label": y_label,
        "x_scale": x_scale,
        "note": note,
        "series": list(series),
        **more,
    }
