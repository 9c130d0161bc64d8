"""Comparisons without chance: equal up to rounding, below a limit, above a least value."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lpfl import decide
from lpfl.decide import Verdict
from lpfl.verify.expect.comparison import as_array, joined, require_tolerance
from lpfl.verify.tolerance import Tolerance

LARGEST = 1e6  # relative error that is written down: a larger one says no more


@dataclass(frozen=True, kw_only=True)
class Same:
    """``measured`` equals ``predicted`` up to rounding: vectors or matrices with leading axes.

    axes: how many trailing axes make one object (2: matrices, 0: numbers). scale: what errors are
    relative to, one number per object (default: the norm of the predicted one). The record shows
    the pair of entries that differ most.
    """

    part: str
    measured: Any
    predicted: Any
    tolerance: Tolerance
    axes: int = 0
    scale: Any = None
    label: str = ""
    noisy: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        require_tolerance(self.tolerance)

    def decide(self, alpha: float) -> Verdict:
        measured, predicted = as_array(self.measured), as_array(self.predicted)
        try:
            measured, predicted = np.broadcast_arrays(measured, predicted)
        except ValueError:
            words = f"measured has shape {measured.shape}, predicted {predicted.shape}"
            return replace(decide.identity(1.0, tolerance=self.tolerance.value), detail=words)
        trailing = tuple(range(-self.axes, 0))
        gap = measured - predicted
        size = np.sqrt(np.square(gap).sum(trailing)) if trailing else np.abs(gap)
        if self.scale is not None:
            scale = as_array(self.scale)
        else:
            norm = np.sqrt(np.square(predicted).sum(trailing)) if trailing else np.abs(predicted)
            scale = np.maximum(norm, np.finfo(np.float64).tiny)
        with np.errstate(over="ignore"):
            relative = np.minimum(size / scale, LARGEST)
        verdict = decide.identity(relative, tolerance=max(self.tolerance.value, 1e-300))
        worst = int(np.argmax(np.abs(gap)))
        return replace(
            verdict,
            predicted=float(predicted.ravel()[worst]),
            measured=float(measured.ravel()[worst]),
            detail=joined(verdict.detail, f"tolerance: {self.tolerance.why}"),
        )


@dataclass(frozen=True, kw_only=True)
class Below:
    """``measured <= limit`` always; an excess beyond the rounding (absolute) refutes."""

    part: str
    measured: Any
    limit: Any
    tolerance: Tolerance
    label: str = ""
    noisy: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        require_tolerance(self.tolerance)

    def decide(self, alpha: float) -> Verdict:
        return decide.bound(
            as_array(self.measured), as_array(self.limit), rounding=self.tolerance.value
        )


@dataclass(frozen=True, kw_only=True)
class Above:
    """``measured >= least`` always: what must fail does so by at least ``least`` > 0.

    least: far above rounding, and a named judgement of what is visible.
    """

    part: str
    measured: Any
    least: Tolerance
    label: str = ""
    noisy: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        require_tolerance(self.least)

    def decide(self, alpha: float) -> Verdict:
        measured = as_array(self.measured)
        tiny = np.finfo(np.float64).tiny
        verdict = decide.bound(self.least.value / np.maximum(measured, tiny), 1.0, rounding=0.0)
        return replace(verdict, predicted=self.least.value, measured=float(measured.min()))
