"""A comparison for strict lower bounds: what a statement says to fail, fails visibly."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lpfl import decide
from lpfl.decide import Outcome, Verdict
from lpfl.verify.expect.comparison import as_array, require_tolerance
from lpfl.verify.tolerance import Tolerance

SMALLEST_SHARE = 1e-3  # of the limit: what lies lower counts as this, so that margins are numbers


@dataclass(frozen=True, kw_only=True)
class Greater:
    """``measured > limit`` always, by more than the rounding (absolute): a tie refutes.

    gap: how far above the limit the statement puts the measured value at least. Rounding above
    half of it could hide the difference: then a tie is inconclusive.
    """

    part: str
    measured: Any
    limit: Any
    gap: float
    tolerance: Tolerance
    label: str = ""
    noisy: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        require_tolerance(self.tolerance)

    def decide(self, alpha: float) -> Verdict:
        measured, limit = np.broadcast_arrays(as_array(self.measured), as_array(self.limit))
        least = np.maximum(SMALLEST_SHARE * limit, np.finfo(np.float64).tiny)
        floor = np.maximum(measured - self.tolerance.value, least)
        verdict = decide.bound(limit, floor, rounding=0.0)
        worst = int(np.argmax(limit / floor))
        outcome, detail = verdict.outcome, ""
        if outcome is Outcome.REFUTED and self.tolerance.value > self.gap / 2.0:
            outcome = Outcome.INCONCLUSIVE
            detail = f"rounding {self.tolerance.value:.2g} hides a gap of {self.gap:.2g}"
        return replace(
            verdict,
            outcome=outcome,
            detail=detail,
            predicted=float(limit.ravel()[worst]),
            measured=float(measured.ravel()[worst]),
            tolerance=self.tolerance.value,
            detectable=self.tolerance.value,
        )
