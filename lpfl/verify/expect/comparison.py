"""What a comparison is: a named part, both numbers in its units, and a decision at a level."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lpfl.decide import Verdict
from lpfl.verify.tolerance import Tolerance

Array = NDArray[np.float64]


class Comparison(Protocol):
    """What the runner needs: which part, whether chance enters, and the decision."""

    @property
    def part(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def noisy(self) -> bool: ...
    def decide(self, alpha: float) -> Verdict: ...


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A verdict that was reached elsewhere (the exact reading of an identity)."""

    part: str
    verdict: Verdict
    label: str = ""

    @property
    def noisy(self) -> bool:
        """Chance entered if the verdict has a level."""
        return self.verdict.alpha > 0.0

    def decide(self, alpha: float) -> Verdict:
        return self.verdict


@dataclass(frozen=True)
class Shown:
    """A comparison with a picture or a table to show beside it."""

    comparison: Comparison
    picture: Mapping[str, Any] | None = None
    table: Mapping[str, Any] | None = None


def as_array(values: Any) -> Array:
    """Return numbers, arrays or tensors as a float64 array on the host."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().double().numpy()
    return np.asarray(values, dtype=np.float64)


def require_tolerance(tolerance: Any) -> None:
    if not isinstance(tolerance, Tolerance):
        raise TypeError(f"tolerance={tolerance!r} is a bare number, needs a Tolerance")


def joined(*texts: str) -> str:
    return "; ".join(text for text in texts if text)
