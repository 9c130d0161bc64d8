"""Readings that compute in bfloat16 inside, and subjects that do."""

from collections.abc import Sequence
from statistics import median

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.runs import Candidate, Run, disturbed, gaps, total
from lpfl.conformance.oracles.base import Oracle

HALF = ", bfloat16"
ROUNDING = 2**-9
"""Relative change of a number by rounding it to the 8 bits of bfloat16, at most."""
JUMP = 1e-4
"""Smallest answer to a disturbance of 1e-6 that only a rounding to few bits can give."""
QUITE_LOOSE = 0.6
"""What bfloat16 may cost where small singular values are amplified."""
TYPICAL = 1.5
"""Typical error of a reading over what bfloat16 typically costs it, at most."""
FAR = 6.0
"""Typical error over what one rounding costs that no other rounding explains."""
ENOUGH = 6
"""Steps from which a typical error is one."""
LEAST_SIDE = 3
"""Rows and columns from which roundings average out."""


def halves(candidate: Candidate) -> bool:
    """Return whether a reading computes in bfloat16 inside."""
    return any(value.endswith(HALF) for value in candidate.convention.values())


def in_halves(comparison: Comparison, runs: Sequence[Run]) -> bool:
    """Return whether the subject computes in a format as coarse as bfloat16.

    Its gradients are changed by 1e-6 of themselves. In the first step a computation in float32 or
    float64 answers with about that; one that rounds to 8 bits with nothing, or with a jump. Only
    matrices are looked at, where there are any: vectors have rules of their own.
    """
    matrices = [run for run in runs if all(len(shape) > 1 for shape in run.shapes)]
    for run in matrices or runs:
        gradients = disturbed(run.gradients[:1], 1e-6)
        try:
            values = comparison.drive(run.scenario, run.values[0], gradients, run.given)
        except Exception:
            return False
        other = Run(run.scenario, run.shapes, run.options, run.given, gradients, values)
        if 0 < gaps(other, run.moves()[:1])[0] < JUMP:
            return False
    return True


def half_costs(oracle: Oracle, run: Run, candidate: Candidate) -> list[float]:
    """Return per step how far the reference with bfloat16 inside is from the same without.

    The largest over three roundings of the same gradients, which differ by one unit of bfloat16.
    """
    losses = [_lost(oracle, run, candidate, change) for change in (0.0, ROUNDING, -ROUNDING)]
    return [max(at) for at in zip(*losses, strict=True)]


def _lost(oracle: Oracle, run: Run, candidate: Candidate, change: float) -> list[float]:
    plain = {
        axis: value.partition(",")[0] if value.endswith(HALF) else value
        for axis, value in candidate.convention.items()
    }
    without = run.reference(oracle, Candidate(plain, candidate.hidden))
    inside = run.reference(oracle, candidate, disturb=change)
    return [
        total([x - y for x, y in zip(a, b, strict=True)]) / max(total(a), 1e-300)
        for a, b in zip(without, inside, strict=True)
    ]


def far_off(oracle: Oracle, run: Run, candidate: Candidate) -> bool:
    """Return whether a reading in bfloat16 is so far off that one rounding shows it."""
    if _few(run, len(run.gradients)):
        return False
    errors = gaps(run, run.reference(oracle, candidate))
    return median(errors) > FAR * median(_lost(oracle, run, candidate, 0.0))


def _few(run: Run, steps: int) -> bool:
    """Return whether there are too few numbers for a typical error."""
    return steps < ENOUGH or min(run.shapes[0], default=1) < LEAST_SIDE


def half_bounds(oracle: Oracle, run: Run, candidate: Candidate) -> list[float]:
    """Return per step the error up to which a reading in bfloat16 is followed.

    Infinite where bfloat16 leaves nothing of the reading.
    """
    costs = half_costs(oracle, run, candidate)
    told = [cost for cost in costs if cost <= QUITE_LOOSE]
    bound = min(QUITE_LOOSE, 2 * max(told, default=0.0))
    return [bound if cost <= QUITE_LOOSE else float("inf") for cost in costs]


def typical(oracle: Oracle, run: Run, candidate: Candidate, errors: list[float]) -> bool:
    """Return whether errors are in general as large as bfloat16 explains, not only at the worst."""
    costs = half_costs(oracle, run, candidate)
    if sum(cost <= QUITE_LOOSE for cost in costs) < 0.5 * len(costs):
        return False
    return _few(run, len(errors)) or median(errors) <= TYPICAL * median(costs)
