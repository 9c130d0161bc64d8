"""Replicates to what a picture shows: the median, a band of quantiles, fewer points."""

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

BAND = (0.1, 0.9)
MOST_POINTS = 121


def median_series(
    name: str, x: Sequence[float], replicates: ArrayLike, *, colour: int, style: str = "line"
) -> dict[str, Any]:
    """Return the series of the median over replicates with the band of the 10 % quantiles.

    replicates (len(x), R); the series ends before the first value that is not finite.
    """
    values = np.asarray(replicates, dtype=np.float64)
    lost = np.flatnonzero(~np.isfinite(values).all(axis=1))
    length = int(lost[0]) if lost.size else len(values)
    kept = thin(length)
    low, middle, high = np.quantile(values[kept], (BAND[0], 0.5, BAND[1]), axis=1)
    return {
        "name": name,
        "style": style,
        "x": [float(x[i]) for i in kept],
        "y": middle.tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
        "colour": colour,
    }


def predicted_series(name: str, x: Sequence[float], y: ArrayLike, *, colour: int) -> dict[str, Any]:
    """Return a prediction: drawn thin and dotted in the colour of what it predicts."""
    values = np.asarray(y, dtype=np.float64)
    kept = thin(len(values))
    return {
        "name": f"{name}, predicted",
        "style": "line",
        "x": [float(x[i]) for i in kept],
        "y": values[kept].tolist(),
        "colour": colour,
        "role": "prediction",
    }


def thin(length: int) -> NDArray[np.int64]:
    """Return at most about 121 indices out of 0..length-1, the last one among them."""
    if length == 0:
        return np.zeros(0, dtype=np.int64)
    every = ceil(length / MOST_POINTS)
    return np.unique(np.append(np.arange(0, length, every), length - 1))


def first_below(values: ArrayLike, level: float) -> NDArray[np.float64]:
    """Return the first index along axis 0 with a value <= level; infinity where there is none."""
    below = np.asarray(values) <= level
    return np.where(below.any(axis=0), below.argmax(axis=0), np.inf)
