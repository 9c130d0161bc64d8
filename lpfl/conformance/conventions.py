"""Which named convention of a definition a subject follows, if any, in all settings at once.

A convention is fitted in one setting only; it must then hold in all others with nothing refitted.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from lpfl.conformance.comparison import Candidate, Comparison, Run, gaps
from lpfl.conformance.grid import candidates
from lpfl.conformance.precision import FLOOR, HALF, SCALARS, bounds, coarse, low_precision
from lpfl.conformance.scenarios import Scenario
from lpfl.conformance.settings import fitting, holding

PREFIX = 3
LOOSE = 1e-5
TRIED = 6
SINGLE = 5e-2
IMPRECISE = 1e-2
"""Up to here an error of a float32 run is not worth a word."""


@dataclass(frozen=True)
class Miss:
    """The first place where a reading and the subject part."""

    run: Run
    step: int
    gap: float
    bound: float


@dataclass
class Fit:
    """How one reading does: the worst error in units of the run, and the first miss."""

    candidate: Candidate
    worst: float = 0.0
    inexact: Run | None = None
    miss: Miss | None = None
    held: list[str] = field(default_factory=list)
    undetermined: list[str] = field(default_factory=list)


def quick(comparison: Comparison, run: Run, candidate: Candidate) -> float:
    """Return the worst error over the first steps, without regard to conditioning."""
    reference = run.reference(comparison.oracle, candidate, steps=PREFIX)
    return max(gaps(run, reference), default=0.0)


def confront(comparison: Comparison, fit: Fit, run: Run, cap: float = SINGLE) -> bool:
    """Hold a reading against one run; return whether it survives.

    An error within ``bounds`` is rounding. One beyond is numerics if it is as small as scalars
    in float32 make it, or if the subject is seen to compute coarsely and the reference in float32
    loses as much. All else is a miss. A run in float32 says nothing but how precise it is.
    """
    oracle, candidate = comparison.oracle, fit.candidate
    errors = gaps(run, run.reference(oracle, candidate))
    worst = max(errors, default=0.0)
    if worst <= FLOOR:
        return True
    allowed = bounds(oracle, run, candidate)
    half = any(value.endswith(HALF) for value in candidate.convention.values())
    bad = [t for t, (e, b) in enumerate(zip(errors, allowed, strict=True)) if not e <= b]
    if any(b == float("inf") for b in allowed):
        fit.undetermined.append(f"{run.scenario.name} {run.shapes[0]}")
    known = [e for e, b in zip(errors, allowed, strict=True) if b < float("inf")]
    worst = max(known, default=0.0)
    if not bad:
        if half or (run.eps > 1e-10 and run.scenario.dtype.itemsize == 8):
            fit.worst, fit.inexact = max(fit.worst, worst), run
        return True
    single = run.scenario.dtype.itemsize < 8
    if single and worst <= IMPRECISE:
        return True
    small = not single and worst <= SCALARS
    if not small and not half and not single and worst <= cap:
        lost = max(LOOSE, 10 * low_precision(oracle, run, candidate))
        small = worst <= lost and coarse(comparison, run, candidate)
    if small or single:
        if worst > fit.worst:
            fit.worst, fit.inexact = worst, run
        return True
    fit.miss = Miss(run, bad[0] + 1, errors[bad[0]], allowed[bad[0]])
    return False


def hold(comparison: Comparison, fit: Fit, scenarios: Iterable[Scenario]) -> bool:
    """Hold a fitted reading against all settings until it misses; return whether it survives."""
    for scenario in scenarios:
        for run in comparison.runs(scenario):
            if not confront(comparison, fit, run):
                return False
        fit.held.append(scenario.name)
    return True


def search(comparison: Comparison) -> Fit | None:
    """Return the nearest reading that survives everything, else the one that goes farthest.

    None if no reading fits even where it may be chosen.
    """
    runs = comparison.runs(fitting(comparison.oracle))
    others = holding(comparison)
    best: Fit | None = None
    tried = 0
    for candidate in candidates(comparison):
        if not quick(comparison, runs[0], candidate) <= SINGLE:
            continue
        fit = Fit(candidate)
        if all(confront(comparison, fit, run) for run in runs):
            tried += 1
            if hold(comparison, fit, others):
                if fit.inexact is None:
                    return fit
                if best is None or best.miss is not None or fit.worst < best.worst / 10:
                    best = fit
            elif best is None or (best.miss is not None and len(fit.held) > len(best.held)):
                best = fit
            if tried >= TRIED and best is not None:
                return best
    return best
