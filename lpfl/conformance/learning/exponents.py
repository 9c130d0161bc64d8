"""Numbers with an interval from replicates, and how they are held against the theory."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scipy import stats

from lpfl.conformance.outcomes import Outcome
from lpfl.decide.means import equivalence
from lpfl.decide.verdict import Outcome as Decision

ALPHA = 1e-3
"""Probability of refuting a true number, per decision; fixed before any run."""
SHOWN = 0.95


@dataclass(frozen=True)
class Estimate:
    """A number, its pseudo-values (one per replicate) and the interval shown with it."""

    value: float
    samples: tuple[float, ...]

    @property
    def half_width(self) -> float:
        """Half the width of the 95 % interval."""
        n = len(self.samples)
        mean = sum(self.samples) / n
        variance = sum((s - mean) ** 2 for s in self.samples) / max(n - 1, 1)
        return float(stats.t.isf((1 - SHOWN) / 2, max(n - 1, 1)) * math.sqrt(variance / n))

    @property
    def known(self) -> bool:
        """Whether every pseudo-value is a finite number."""
        return all(math.isfinite(s) for s in self.samples)

    def __str__(self) -> str:
        return f"{self.value:.2f} +- {self.half_width:.2g}" if self.known else "unknown"


def jackknife(count: int, estimate: Callable[[Sequence[int]], float]) -> Estimate:
    """Return an estimate from replicates 0..count-1, with its leave-one-out pseudo-values."""
    everyone = range(count)
    whole = _number(estimate, everyone)
    left_out = [_number(estimate, [r for r in everyone if r != out]) for out in everyone]
    return Estimate(whole, tuple(count * whole - (count - 1) * part for part in left_out))


def _number(estimate: Callable[[Sequence[int]], float], chosen: Sequence[int]) -> float:
    try:
        return estimate(chosen)
    except (ValueError, ZeroDivisionError):  # the logarithm of a rate that is not positive
        return math.nan


def held(estimate: Estimate, predicted: float, *, margin: float, rival: float) -> Outcome:
    """Return how an estimate stands to its prediction: conforms, deviates, or inconclusive.

    margin: largest difference that counts as none. rival: distance to the nearest other theory;
    an experiment that could not tell that distance is inconclusive.
    """
    if not estimate.known:
        return Outcome.INCONCLUSIVE
    verdict = equivalence(
        estimate.samples, predicted=predicted, tolerance=margin, alpha=ALPHA, matters=rival
    )
    table = {Decision.CONFIRMED: Outcome.CONFORMS, Decision.REFUTED: Outcome.DEVIATES}
    return table.get(verdict.outcome, Outcome.INCONCLUSIVE)


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """Return deviates if one does, conforms if all do, else inconclusive."""
    if Outcome.DEVIATES in outcomes:
        return Outcome.DEVIATES
    same = all(outcome is Outcome.CONFORMS for outcome in outcomes)
    return Outcome.CONFORMS if same and outcomes else Outcome.INCONCLUSIVE
