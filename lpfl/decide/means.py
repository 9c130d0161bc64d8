"""Decisions about means of independent replicates: equivalence and ordering."""

import math

from numpy.typing import ArrayLike
from scipy import stats

from lpfl.decide.verdict import (
    POWER,
    Outcome,
    Verdict,
    require_alpha,
    require_finite_values,
)


def equivalence(
    samples: ArrayLike,
    *,
    predicted: float,
    tolerance: float,
    alpha: float,
    matters: float | None = None,
) -> Verdict:
    """Decide that the mean of independent replicates equals ``predicted`` within ``tolerance``.

    Two one-sided tests through one t interval of level 1 - alpha: confirmed if it lies inside
    predicted +- tolerance, refuted if it lies outside. matters: distance to the nearest rival
    value. The t interval is approximate in the far tail; the tolerance must carry the
    finite-size term, and replicates should themselves be averages.
    """
    require_alpha(alpha)
    sample = require_finite_values("samples", samples)
    count = sample.size
    if count < 8:
        raise ValueError(f"{count} replicates, needs >= 8 for an interval")
    if not tolerance > 0:
        raise ValueError(f"tolerance={tolerance}, needs > 0")
    mean = float(sample.mean())
    std_error = float(sample.std(ddof=1)) / math.sqrt(count)
    quantile = float(stats.t.isf(alpha / 2, count - 1))
    half_width = quantile * std_error
    gap = abs(mean - predicted)
    detectable = tolerance + half_width + float(stats.t.isf(1 - POWER, count - 1)) * std_error
    statistic = (gap + half_width) / tolerance
    outcome = interval_outcome(gap, half_width, tolerance)
    if outcome is Outcome.CONFIRMED and matters is not None and detectable > matters:
        outcome = Outcome.INCONCLUSIVE
    room = max(tolerance - gap, 0.1 * tolerance)
    return Verdict(
        outcome=outcome,
        statistic=statistic,
        margin=1.0 - statistic,
        alpha=alpha,
        replicates=count,
        predicted=predicted,
        measured=mean,
        tolerance=tolerance,
        detectable=detectable,
        samples_needed=max(8, math.ceil(count * (half_width / room) ** 2)),
        margin_std_error=std_error / tolerance,
    )


def interval_outcome(gap: float, half_width: float, tolerance: float) -> Outcome:
    """Return what an interval of this half-width, ``gap`` away from the prediction, decides.

    Confirmed if it lies inside the tolerance, refuted if it lies outside, inconclusive otherwise.
    """
    if abs(gap) - half_width > tolerance:
        return Outcome.REFUTED
    return Outcome.CONFIRMED if abs(gap) + half_width <= tolerance else Outcome.INCONCLUSIVE


def ordering(
    differences: ArrayLike, *, slack: float, alpha: float, matters: float | None = None
) -> Verdict:
    """Decide ``mean(differences) >= 0`` from paired differences, up to ``slack`` >= 0.

    Refuted if the t interval of level 1 - alpha lies below -slack, confirmed if above it.
    """
    require_alpha(alpha)
    sample = require_finite_values("differences", differences)
    count = sample.size
    if count < 8:
        raise ValueError(f"{count} replicates, needs >= 8 for an interval")
    if not slack >= 0:
        raise ValueError(f"slack={slack}, needs >= 0")
    mean = float(sample.mean())
    std_error = float(sample.std(ddof=1)) / math.sqrt(count)
    half_width = float(stats.t.isf(alpha, count - 1)) * std_error
    detectable = slack + half_width + float(stats.t.isf(1 - POWER, count - 1)) * std_error
    scale = max(half_width, 1e-300)
    statistic = 1.0 - (mean + slack - half_width) / scale if half_width > 0 else 0.0
    if half_width == 0.0:
        statistic = 0.0 if mean >= -slack else 2.0
    if mean + half_width < -slack:
        outcome = Outcome.REFUTED
    elif mean - half_width >= -slack and (matters is None or detectable <= matters):
        outcome = Outcome.CONFIRMED
    else:
        outcome = Outcome.INCONCLUSIVE
    distance = max(abs(mean + slack), 1e-300)
    return Verdict(
        outcome=outcome,
        statistic=statistic,
        margin=1.0 - statistic,
        alpha=alpha,
        replicates=count,
        predicted=0.0,
        measured=mean,
        tolerance=slack,
        detectable=detectable,
        samples_needed=min(10**9, max(8, math.ceil(count * (half_width / distance) ** 2))),
        margin_std_error=std_error / scale if half_width > 0 else 0.0,
    )
