"""A comparison for strict lower bounds: what a statement says to fail, fails by that much."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lpfl import decide
from lpfl.decide import Verdict
from lpfl.verify.expect import as_array
from lpfl.verify.tolerance import Tolerance


@dataclass(frozen=True, kw_only=True)
class Greater:
    """``measured > limit`` always, by more than the rounding (absolute): a tie refutes."""

    part: str
    measured: Any
    limit: Any
    tolerance: Tolerance
    label: str = ""
    noisy: bool = field(default=False, init=False)

    def decide(self, alpha: float) -> Verdict:
        measured, limit = np.broadcast_arrays(as_array(self.measured), as_array(self.limit))
        floor = np.maximum(measured - self.tolerance.value, np.finfo(np.float64).tiny)
        verdict = decide.bound(limit, floor, rounding=0.0)
        worst = int(np.argmax(limit / floor))
        return replace(
            verdict,
            predicted=float(limit.ravel()[worst]),
            measured=float(measured.ravel()[worst]),
            tolerance=self.tolerance.value,
            detectable=self.tolerance.value,
        )
