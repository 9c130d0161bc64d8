"""Decisions about means of independent replicates: equivalence and ordering."""

import math

from numpy.typing import ArrayLike

from lpfl import guards
from lpfl.decide.interval import LEAST, Interval, mean_interval
from lpfl.decide.verdict import Outcome, Verdict, require_alpha

MOST_NEEDED = 10**9


def equivalence(
    samples: ArrayLike,
    *,
    predicted: float,
    tolerance: float,
    alpha: float,
    matters: float | None = None,
) -> Verdict:
    """Decide that the mean of independent replicates equals ``predicted`` within ``tolerance``.

    Two one-sided tests through one interval of level 1 - alpha: confirmed if it lies inside
    predicted +- tolerance, refuted if it lies outside. matters: distance to the nearest rival
    value. The tolerance must carry the finite-size term. Level: see ``lpfl.decide.interval``.
    """
    require_alpha(alpha)
    interval = mean_interval("samples", samples, alpha / 2.0)
    guards.number("tolerance", tolerance, above=0.0)
    guards.number("predicted", predicted)
    if matters is not None:
        guards.number("matters", matters, least=0.0)
    reach = max(interval.high - predicted, predicted - interval.low)
    apart = max(interval.low - predicted, predicted - interval.high)
    detectable = tolerance + interval.shift
    if apart > tolerance:
        outcome = Outcome.REFUTED
    elif reach <= tolerance and (matters is None or detectable <= matters):
        outcome = Outcome.CONFIRMED
    else:
        outcome = Outcome.INCONCLUSIVE
    gap = abs(interval.mean - predicted)
    return Verdict(
        outcome=outcome,
        statistic=reach / tolerance,
        margin=1.0 - reach / tolerance,
        alpha=alpha,
        replicates=interval.count,
        predicted=predicted,
        measured=interval.mean,
        tolerance=tolerance,
        detectable=detectable,
        samples_needed=_needed(
            interval, max(tolerance - gap, 0.1 * tolerance), _room(matters, tolerance)
        ),
        margin_std_error=interval.std_error / tolerance,
        interval=(interval.low, interval.high),
    )


def interval_outcome(gap: float, half_width: float, tolerance: float) -> Outcome:
    """Return what an interval of this half-width, ``gap`` away from the prediction, decides.

    Confirmed if it lies inside the tolerance, refuted if it lies outside, inconclusive otherwise.
    """
    guards.number("gap", gap)
    guards.number("half_width", half_width, least=0.0)
    guards.number("tolerance", tolerance, least=0.0)
    if abs(gap) - half_width > tolerance:
        return Outcome.REFUTED
    return Outcome.CONFIRMED if abs(gap) + half_width <= tolerance else Outcome.INCONCLUSIVE


def ordering(
    differences: ArrayLike, *, slack: float, alpha: float, matters: float | None = None
) -> Verdict:
    """Decide ``mean(differences) >= 0`` from paired differences, up to ``slack`` >= 0.

    Refuted if the interval of level 1 - alpha lies below -slack, confirmed if above it.
    """
    require_alpha(alpha)
    interval = mean_interval("differences", differences, alpha)
    guards.number("slack", slack, least=0.0)
    if matters is not None:
        guards.number("matters", matters, least=0.0)
    detectable = slack + interval.shift
    if interval.high < -slack:
        outcome = Outcome.REFUTED
    elif interval.low >= -slack and (matters is None or detectable <= matters):
        outcome = Outcome.CONFIRMED
    else:
        outcome = Outcome.INCONCLUSIVE
    distance = interval.mean + slack
    if interval.below > 0.0:
        statistic = 2.0 - distance / interval.below
    else:
        statistic = 0.0 if distance >= 0.0 else 2.0
    return Verdict(
        outcome=outcome,
        statistic=statistic,
        margin=1.0 - statistic,
        alpha=alpha,
        replicates=interval.count,
        predicted=0.0,
        measured=interval.mean,
        tolerance=slack,
        detectable=detectable,
        samples_needed=_needed(interval, abs(distance), _room(matters, slack)),
        margin_std_error=interval.std_error / interval.below if interval.below > 0.0 else 0.0,
    )


def _room(matters: float | None, tolerance: float) -> float:
    """Return what ``detectable`` may add to the tolerance."""
    return math.inf if matters is None else matters - tolerance


def _needed(interval: Interval, distance: float, room: float) -> int:
    """Return the replicates at which the interval resolves ``distance`` and detects ``room``.

    No number of replicates detects less than the tolerance: then it is MOST_NEEDED.
    """
    if room <= 0.0:
        return MOST_NEEDED
    smallest = 1e-300
    ratio = max(interval.reach / max(distance, smallest), interval.shift / max(room, smallest))
    return int(min(MOST_NEEDED, max(LEAST, math.ceil(interval.count * min(ratio, 1e9) ** 2))))
