"""What a decision says, and the guards every decision shares."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lpfl import guards

POWER = 0.9


class Outcome(StrEnum):
    """The three ways a claim can end."""

    CONFIRMED = "confirmed"
    INCONCLUSIVE = "inconclusive"
    REFUTED = "refuted"


SEVERITY = (Outcome.CONFIRMED, Outcome.INCONCLUSIVE, Outcome.REFUTED)


def most_severe(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the outcome that decides among several; raise ValueError if there is none."""
    return max(outcomes, key=SEVERITY.index)


@dataclass(frozen=True)
class Verdict:
    """One decision, with what is needed to judge it.

    sharp: a bound that may be attained, so that a margin of zero is no sign of trouble.
    interval: where the measured number lies at the level of the decision, in its own units.
    NumPy scalars become Python numbers, so that every verdict can be written as JSON.
    """

    outcome: Outcome
    statistic: float
    margin: float
    alpha: float = 0.0
    replicates: int = 1
    predicted: float | None = None
    measured: float | None = None
    tolerance: float | None = None
    detectable: float | None = None
    samples_needed: int | None = None
    margin_std_error: float = 0.0
    detail: str = ""
    sharp: bool = False
    interval: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.generic):
                object.__setattr__(self, field.name, value.item())

    def with_detail(self, detail: str) -> "Verdict":
        """Return the same verdict with a plain-text remark."""
        return replace(self, detail=detail)


def require_finite_values(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return ``values`` as a float64 array; raise ValueError if empty or not finite."""
    try:
        given = np.asarray(values)
        if given.dtype.kind not in "iuf":
            raise TypeError
        array = np.atleast_1d(given.astype(np.float64))
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise ValueError(f"{name}={values!r}, needs real numbers") from None
    if array.size == 0:
        raise ValueError(f"{name} is empty, needs at least one value")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds {int((~np.isfinite(array)).sum())} non-finite values")
    return array


def require_alpha(alpha: float) -> None:
    """Raise ValueError unless 0 < alpha < 1."""
    guards.number("alpha", alpha, above=0.0, below=1.0)


def tail_statistic(probability: float, alpha: float) -> float:
    """Map a p-value to log(p) / log(alpha): 1 at the limit, 0 for p = 1."""
    smallest = np.finfo(np.float64).tiny
    return math.log(max(probability, smallest)) / math.log(alpha)
