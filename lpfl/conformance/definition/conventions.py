"""Which named convention of a definition a subject follows, if any, in all settings at once.

A convention is fitted in one setting only; it must then hold in all others with nothing refitted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import torch

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.grid import candidates, departed, is_cut, neighbours
from lpfl.conformance.definition.halves import QUITE_LOOSE, far_off, halves, in_halves, typical
from lpfl.conformance.definition.precision import (
    FLOOR,
    SCALARS,
    SINGLE,
    bounds,
    excused,
    far_at_once,
    left_open,
)
from lpfl.conformance.definition.runs import Candidate, Run, gaps
from lpfl.conformance.definition.scenarios import Scenario
from lpfl.conformance.definition.seen.extremes import extreme, says_bound, stable
from lpfl.conformance.definition.seen.few_bits import in_few_bits
from lpfl.conformance.definition.settings import fitting, holding
from lpfl.conformance.definition.staged import staged

PREFIX = (1, 3)
"""Steps after which a reading is given up if it is far away."""
TRIED = 40
TRIED_ROUGHLY = 40
IMPRECISE = 1e-2
"""Up to here an error of a float32 run is not worth a word."""


@dataclass(frozen=True)
class Miss:
    """The first place where a reading and the subject part."""

    run: Run
    step: int
    gap: float
    bound: float


@dataclass(frozen=True)
class Ignored:
    """A switch that changes nothing, and the run in which it should."""

    switch: str
    run: Run


@dataclass
class Fit:
    """How one reading does: the worst error in units of the run, and the first miss."""

    candidate: Candidate
    worst: float = 0.0
    inexact: Run | None = None
    miss: Miss | None = None
    held: list[str] = field(default_factory=list)
    undetermined: list[str] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    bounded: list[Run] = field(default_factory=list)


def confront(comparison: Comparison, fit: Fit, run: Run) -> bool:
    """Hold a reading against one run; return whether it survives.

    An error within ``bounds`` is rounding. One beyond is numerics if ``excused``; a run in
    float32 only says how precise it is. All else is a miss.
    """
    oracle, candidate = comparison.oracle, fit.candidate
    errors = gaps(run, run.reference(oracle, candidate))
    if max(errors, default=0.0) <= FLOOR:
        return True
    allowed = bounds(oracle, run, candidate)
    if any(b == float("inf") for b in allowed):
        leave_open(fit, run)
    worst = max([e for e, b in zip(errors, allowed, strict=True) if b < float("inf")], default=0.0)
    bad = [t for t, (e, b) in enumerate(zip(errors, allowed, strict=True)) if not e <= b]
    if halves(candidate) and not bad and not typical(oracle, run, candidate, errors):
        bad = [errors.index(max(errors))]
    single = run.scenario.dtype.itemsize < 8
    if not bad:
        if not single and (halves(candidate) or run.eps > SCALARS / 10):
            note(fit, run, worst)
        return True
    if single and worst <= IMPRECISE:
        return True
    if single or excused(comparison, candidate, run, worst):
        far = extreme(run.scenario) and not stable(comparison, candidate, run)
        if far or left_open(oracle, run, candidate, worst):
            leave_open(fit, run)
        else:
            note(fit, run, worst)
        return True
    fit.miss = Miss(run, bad[0] + 1, errors[bad[0]], allowed[bad[0]])
    return False


def leave_open(fit: Fit, run: Run) -> None:
    """Keep the name of a run in which rounding decides."""
    fit.undetermined.append(f"{run.scenario.name} {run.shapes[0]}")


def note(fit: Fit, run: Run, worst: float) -> None:
    """Keep the run with the largest error that counts as numerics."""
    if worst >= fit.worst:
        fit.worst, fit.inexact = worst, run


def lost(comparison: Comparison, run: Run) -> str:
    """Return a switch that was turned for this run and changes nothing in it; or nothing."""
    turned = [n for n, v in run.scenario.options.items() if run.scenario.switch and v is True]
    switches = dict.fromkeys([run.scenario.switch, *(n for n in turned if n in comparison.where)])
    return next((name for name in switches if name and unchanged(comparison, run, name)), "")


def unchanged(comparison: Comparison, run: Run, switch: str) -> bool:
    """Return whether a switch that was turned for this run leaves the run as it is without."""
    option = comparison.where[switch].option
    given = {k: v for k, v in run.given.items() if k != option}
    try:
        values = comparison.drive(run.scenario, run.values[0], run.gradients, given)
    except Exception:
        return False
    rows = zip(values, run.values, strict=True)
    return all(torch.equal(a, b) for u, v in rows for a, b in zip(u, v, strict=True))


def hold(comparison: Comparison, fit: Fit, scenarios: Iterable[Scenario]) -> bool:
    """Hold a fitted reading against all settings until it misses; return whether it survives.

    A switch that the subject takes and that changes nothing is kept in ``ignored``, a run that
    leaves the reading far from 1, or in few bits, as the subject says, in ``bounded``.
    """
    for scenario in scenarios:
        for run in comparison.runs(scenario):
            if not confront(comparison, fit, run):
                if switch := lost(comparison, run):
                    fit.ignored.append(Ignored(switch, run))
                    fit.miss = None
                    break
                if extreme(scenario) and beyond_reach(comparison, fit, run):
                    fit.miss = None
                    continue
                if in_few_bits(comparison, fit.candidate, run):
                    fit.bounded.append(run)
                    fit.miss = None
                    continue
                return False
        fit.held.append(scenario.name)
    return True


def beyond_reach(comparison: Comparison, fit: Fit, run: Run) -> bool:
    """Return whether a miss far from 1 is no fault: not determined there, or said to be so."""
    if not stable(comparison, fit.candidate, run):
        leave_open(fit, run)
        return True
    if says_bound(comparison):
        fit.bounded.append(run)
        return True
    return False


def search(comparison: Comparison) -> Fit | None:
    """Return the nearest reading that survives everything, else the one that goes farthest.

    Exact readings go before those that only fit to some inner precision, and of these the closest
    first. None if no reading fits even where it may be chosen.
    """
    others = holding(comparison)
    best: Fit | None = None
    rough: list[Fit] = []
    tried = 0
    for fit in fitted(comparison):
        if fit.inexact is not None:
            rough.append(fit)
        elif tried < TRIED:
            tried += 1
            if hold(comparison, fit, others):
                return fit
            best = farther(best, fit)
    for fit in sorted(rough, key=lambda f: f.worst)[:TRIED_ROUGHLY] if best is None else ():
        if hold(comparison, fit, others):
            return fit
        best = farther(best, fit)
    return best and mended(comparison, best, others)


def mended(comparison: Comparison, best: Fit, others: list[Scenario]) -> Fit:
    """Return a reading that differs from the best on further axes, and survives most.

    Axes that show on kernels alone, or with a period, are told apart only there: one after the
    other, each where it lets the reading hold in more settings.
    """
    runs = comparison.runs(fitting(comparison.oracle))
    coarse = halves(best.candidate) or in_halves(comparison, runs)
    while best.miss is not None:
        farthest = best
        held = []
        for candidate in neighbours(comparison, best.candidate):
            if halves(candidate) and not coarse:
                continue
            fit = Fit(candidate)
            if all(confront(comparison, fit, run) for run in runs):
                if hold(comparison, fit, others):
                    held.append(fit)
                else:
                    farthest = farther(farthest, fit)
        if held:
            return min(held, key=lambda fit: remoteness(comparison, fit))
        if farthest is best:
            return best
        best = farthest
    return best


def remoteness(comparison: Comparison, fit: Fit) -> tuple[int, bool, int]:
    """Return what orders readings: faults, whether it only fits roughly, runs left to rounding."""
    faults = departed(comparison.oracle, fit.candidate.convention)
    return len(faults), fit.inexact is not None, len(fit.undetermined)


def farther(one: Fit | None, other: Fit) -> Fit:
    """Return the fit that holds in more settings; the first if they are equal."""
    return other if one is None or len(other.held) > len(one.held) else one


def fitted(
    comparison: Comparison,
    runs: list[Run] | None = None,
    *,
    nearest: int = 99,
    departures: bool = True,
) -> Iterator[Fit]:
    """Yield the readings that fit the given runs, by default those of the fitting setting.

    nearest: on how many axes a reading may differ from the paper. departures: whether readings
    that are another method are among them.
    """
    runs = comparison.runs(fitting(comparison.oracle)) if runs is None else runs
    tried = candidates(comparison) if runs else []
    rounded = any(halves(c) for c in tried) and in_halves(comparison, runs)
    tried = [c for c in tried if rounded or not halves(c)]
    if not departures:
        tried = [c for c in tried if not departed(comparison.oracle, c.convention)]

    def begins(run: Run, candidate: Candidate, steps: int) -> bool:
        cap = QUITE_LOOSE if halves(candidate) else SINGLE
        errors = gaps(run, run.reference(comparison.oracle, candidate, steps=steps))
        return max(errors, default=0.0) <= cap

    def fit(candidate: Candidate) -> Fit | None:
        if halves(candidate):
            if far_off(comparison.oracle, runs[0], candidate):
                return None
        elif far_at_once(comparison, runs[0], candidate, PREFIX[-1]):
            return None
        made = Fit(candidate)
        return made if all(confront(comparison, made, run) for run in runs) else None

    none = True
    for candidate in tried:
        near = candidate.distance <= nearest
        if (
            near
            and all(begins(runs[0], candidate, n) for n in PREFIX)
            and (found := fit(candidate))
        ):
            none = False
            yield found
    if none and runs and nearest > len(comparison.oracle.conventions) and is_cut(comparison):
        far = staged(comparison, runs, begins, in_halves=rounded, departures=departures)
        yield from filter(None, map(fit, far))
