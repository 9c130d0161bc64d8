"""What a definition leaves open to rounding: conditioning, and the subject's inner precision."""

import itertools
import math

import torch

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.halves import half_bounds, halves
from lpfl.conformance.definition.runs import Candidate, Run, disturbed, gaps, total
from lpfl.conformance.oracles.base import Oracle

DISTURBANCE = 1e-9
EXACT = "exact polar factor"
FLOOR = 1e-10
"""Relative error of a float64 step that no rounding of ours explains."""
SCALARS = 1e-6
"""Up to here an error in float64 can come from scalars kept in float32."""
UNDETERMINED = 1e5
"""Amplification of errors above which the definition does not determine the step."""
ROUNDING = 1e-13
"""Relative change of the gradients that is as good as rounding in float64."""
JUMPED = 10.0
"""Times the answer of the reference to such a change up to which an error is no evidence."""
CHANGE = 1e-10
"""Relative change of the gradients to which a subject has to answer."""
FINE = 20.0
"""Factor within which an answer is as small as the change."""
LOOSE = 1e-5
COARSE = 1e-3
"""Largest error excused in a subject that is seen to compute more coarsely than in float64."""
AMPLIFIES = 10.0
PARTLY = 3.0
"""Times the loss of the reference in float32 that is excused where a part is seen to be coarse."""
QUANTISED = 4096
"""Libraries with states of 8 bits and fewer keep them so from this number of weights."""
SINGLE = 5e-2
"""Largest error that a reading may leave and still be looked at."""
NO_ROUNDING = 2e-5
"""Error of a step in float64 above what its conditioning explains: twice FLOOR UNDETERMINED."""


def amplification(
    oracle: Oracle, run: Run, candidate: Candidate, *, steps: int | None = None
) -> list[float]:
    """Return per step the relative change of the reference over that of the gradients.

    Infinite where the reference has no finite value: it says nothing there. The exact polar factor
    of a matrix without full rank is not determined: entries that are 0 change too.
    """
    plain = run.reference(oracle, candidate, steps=steps)
    exact = EXACT in candidate.convention.values()
    moved = run.reference(oracle, candidate, steps=steps, disturb=DISTURBANCE, at_zeros=exact)
    out = []
    for a, b in zip(plain, moved, strict=True):
        away = total([x - y for x, y in zip(a, b, strict=True)])
        change = away / max(total(a), 1e-300) / DISTURBANCE if away else 0.0
        out.append(change if math.isfinite(change) else math.inf)
    return out


def bounds(oracle: Oracle, run: Run, candidate: Candidate) -> list[float]:
    """Return per step the error up to which the run is right to the precision of its dtype.

    Infinite where the definition does not determine the step: a basis of a null space, the sign
    of a number that is zero.
    """
    if halves(candidate):
        return [bound + FLOOR for bound in half_bounds(oracle, run, candidate)]
    factor = FLOOR + 1e3 * run.eps if run.eps < 1e-10 else 100 * run.eps
    known = amplification(oracle, run, candidate)
    worst = itertools.accumulate(known, max)
    return [float("inf") if k > UNDETERMINED else factor * (1 + k) for k in worst]


def left_open(oracle: Oracle, run: Run, candidate: Candidate, worst: float) -> bool:
    """Return whether rounding of the gradients alone moves the reference by as much as an error.

    A basis of equal directions is free: another one moves each step a little, by the same
    amount however small the change.
    """
    plain = run.reference(oracle, candidate)
    moved = run.reference(oracle, candidate, disturb=ROUNDING)
    jumps = [
        total([x - y for x, y in zip(a, b, strict=True)]) / max(total(a), 1e-300)
        for a, b in zip(plain, moved, strict=True)
    ]
    return worst <= JUMPED * max((jump for jump in jumps if jump == jump), default=0.0)


def low_precision(oracle: Oracle, run: Run, candidate: Candidate) -> float:
    """Return the error of the reference itself when it is computed in float32."""
    if run.scenario.dtype != torch.float64:
        return 0.0
    exact = run.reference(oracle, candidate)
    rounded = run.reference(oracle, candidate, dtype=torch.float32)
    errors = [0.0]
    for a, b, old in zip(exact, rounded, run.values, strict=False):
        away = total([x - y for x, y in zip(a, b, strict=True)])
        lost = 2e-7 * total(old)
        errors.append(max(0.0, away - lost) / max(total(a), 1e-300))
    return max(e for e in errors if e == e)


def answers(comparison: Comparison, run: Run, change: float = CHANGE) -> list[float] | None:
    """Return per step how the subject answers to a relative change of its gradients.

    None if it raises.
    """
    kept = f"gradients {change}"
    if kept not in run.again:
        start, gradients = run.values[0], disturbed(run.gradients, change)
        try:
            values = comparison.drive(run.scenario, start, gradients, run.given)
        except Exception:
            return None
        other = Run(run.scenario, run.shapes, run.options, run.given, gradients, values)
        run.again[kept] = gaps(other, run.moves())
    return run.again[kept]


def jumps(comparison: Comparison, run: Run) -> bool:
    """Return whether a part of what the subject computes is coarser than float64.

    All of it in float64 answers to a change a hundred times as large by a hundred times as much.
    """
    small, large = answers(comparison, run), answers(comparison, run, 100 * CHANGE)
    if small is None or large is None:
        return False
    ratios = [b / a / 100 for a, b in zip(small, large, strict=True) if a > 0]
    return any(not 0.5 < ratio < 2 for ratio in ratios)


def coarse(comparison: Comparison, run: Run, candidate: Candidate) -> bool:
    """Return whether the subject computes more coarsely than in float64.

    A float64 computation answers to a change in proportion; one in float32 or bfloat16 does not
    answer, or in jumps.
    """
    answer = answers(comparison, run)
    if answer is None:
        return False
    known = amplification(comparison.oracle, run, candidate)
    smooth = [
        0.2 * k * CHANGE < a < 5 * k * CHANGE for a, k in zip(answer, known, strict=True) if k > 0
    ]
    return sum(smooth) < 0.5 * len(smooth)


def kept_in(comparison: Comparison, run: Run) -> torch.dtype | None:
    """Return the format of 16 bits or fewer in which the subject keeps state of its weights."""
    if not run.kept:
        session = comparison.subject.open(run.values[0], options=run.given)
        session.step(run.gradients[0])
        formats = {
            value.dtype
            for state in getattr(session.optimizer, "state", {}).values()
            for value in (state.values() if isinstance(state, dict) else ())
            if isinstance(value, torch.Tensor) and value.is_floating_point() and value.numel() > 1
        }
        few = [dtype for dtype in formats if dtype.itemsize <= 2]
        run.kept.append(max(few, key=lambda dtype: torch.finfo(dtype).eps, default=None))
    return run.kept[0]


def far_at_once(comparison: Comparison, run: Run, candidate: Candidate, steps: int) -> bool:
    """Return whether the first steps show that no rounding makes a reading the subject's.

    Only of a subject that answers to a small change with one as small, as float64 does.
    """
    errors = gaps(run, run.reference(comparison.oracle, candidate, steps=steps))
    if run.eps >= FLOOR or max(errors, default=0.0) <= NO_ROUNDING:
        return False
    answer = None if kept_in(comparison, run) else answers(comparison, run)
    if answer is None or not all(CHANGE / FINE < a < FINE * CHANGE for a in answer):
        return False
    known = amplification(comparison.oracle, run, candidate, steps=steps)
    worst = itertools.accumulate(known, max)
    pairs = zip(errors, worst, strict=True)
    return any(error > NO_ROUNDING and k <= UNDETERMINED for error, k in pairs)


def noise(comparison: Comparison, run: Run) -> float:
    """Return how far apart two runs are that differ in the seed of torch's generator only."""
    if "seed" not in run.again:
        subject = comparison.subject
        session = subject.open(run.values[0], options=run.given, seed=subject.seed + 1)
        values = session.follow(run.gradients).values
        other = Run(run.scenario, run.shapes, run.options, run.given, run.gradients, values)
        run.again["seed"] = gaps(other, run.moves())
    return max(run.again["seed"], default=0.0)


def excused(comparison: Comparison, candidate: Candidate, run: Run, worst: float) -> bool:
    """Return whether an error can come from coarse arithmetic inside.

    As small as scalars in float32 make it; or small where the step amplifies rounding; or no
    larger than what the reference loses in float32, in a subject that is seen to compute coarsely,
    all or a part of it; or what rounding the state costs in one that keeps it in 16 bits or fewer;
    or a few per cent in one that does so for large weights only.
    """
    if worst <= SCALARS:
        return True
    if halves(candidate):
        return worst <= 3 * noise(comparison, run)
    few = kept_in(comparison, run)
    if few is not None and worst <= min(SINGLE, torch.finfo(few).eps):
        return True
    oracle = comparison.oracle
    if worst <= LOOSE and max(amplification(oracle, run, candidate)) > AMPLIFIES:
        return True
    lost = low_precision(oracle, run, candidate)
    if not coarse(comparison, run, candidate):
        return worst <= PARTLY * lost and jumps(comparison, run)
    large = max(x.numel() for x in run.values[0]) >= QUANTISED
    return (large and worst <= SINGLE) or worst <= max(COARSE, min(SINGLE, 10 * lost))
