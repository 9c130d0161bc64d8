"""Numbers -> Verdict. Knows no model.

Every decision refutes a true statement with probability at most ``alpha`` (0 for deterministic
decisions), and confirms only what it could have refuted: ``matters`` is the smallest effect a
user would care about, ``detectable`` the smallest one that is refuted with power 0.9. If
``detectable > matters`` the outcome is inconclusive.

``statistic`` is normalised so that 1 is the limit of what is confirmed; ``margin = 1 - statistic``.
"""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

POWER = 0.9
COARSEST_TOLERANCE = 1e-2


class Outcome(StrEnum):
    """The three ways a claim can end."""

    CONFIRMED = "confirmed"
    INCONCLUSIVE = "inconclusive"
    REFUTED = "refuted"


@dataclass(frozen=True)
class Verdict:
    """One decision, with what is needed to judge it."""

    outcome: Outcome
    statistic: float
    margin: float
    alpha: float = 0.0
    replicates: int = 1
    predicted: float | None = None
    measured: float | None = None
    tolerance: float | None = None
    detectable: float | None = None
    samples_needed: int | None = None
    margin_std_error: float = 0.0
    detail: str = ""

    def with_detail(self, detail: str) -> "Verdict":
        """Return the same verdict with a plain-text remark."""
        return replace(self, detail=detail)


def _finite(name: str, values: ArrayLike) -> NDArray[np.float64]:
    array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if array.size == 0:
        raise ValueError(f"{name} is empty, needs at least one value")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds {int((~np.isfinite(array)).sum())} non-finite values")
    return array


def _require_alpha(alpha: float) -> None:
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha={alpha}, needs 0 < . < 1")


def exact_identity(holds: bool, *, false_pass_bound: float, degree: int) -> Verdict:
    """Decide an identity read over a finite field: statistic 0 if it holds, 2 if not."""
    return Verdict(
        outcome=Outcome.CONFIRMED if holds else Outcome.REFUTED,
        statistic=0.0 if holds else 2.0,
        margin=1.0 if holds else -1.0,
        detectable=0.0,
        detail=f"degree {degree}; a false identity passes with probability <= "
        f"{false_pass_bound:.2g}",
    )


def identity(
    error: ArrayLike, *, tolerance: float, coarsest: float = COARSEST_TOLERANCE
) -> Verdict:
    """Decide an equality in floating point: largest relative error against its tolerance.

    A tolerance above ``coarsest`` could hide a wrong formula: then a pass is inconclusive.
    """
    worst = float(_finite("error", error).max())
    if not tolerance > 0:
        raise ValueError(f"tolerance={tolerance}, needs > 0")
    if worst > tolerance:
        outcome = Outcome.REFUTED
    elif tolerance > coarsest:
        outcome = Outcome.INCONCLUSIVE
    else:
        outcome = Outcome.CONFIRMED
    return Verdict(
        outcome=outcome,
        statistic=worst / tolerance,
        margin=1.0 - worst / tolerance,
        predicted=0.0,
        measured=worst,
        tolerance=tolerance,
        detectable=tolerance,
        replicates=_finite("error", error).size,
    )


def bound(values: ArrayLike, limits: ArrayLike, *, rounding: ArrayLike) -> Verdict:
    """Decide ``values <= limits`` always; an excess beyond ``rounding`` (absolute) refutes.

    statistic: the largest value / (limit + rounding), how tight the bound is.
    """
    value, limit, slack = np.broadcast_arrays(
        _finite("values", values), _finite("limits", limits), _finite("rounding", rounding)
    )
    if (slack < 0).any() or (limit + slack <= 0).any():
        raise ValueError(f"limit + rounding = {float((limit + slack).min())}, needs > 0")
    ratio = value / (limit + slack)
    worst = int(np.argmax(ratio))
    return Verdict(
        outcome=Outcome.REFUTED if ratio[worst] > 1.0 else Outcome.CONFIRMED,
        statistic=float(ratio[worst]),
        margin=float(1.0 - ratio[worst]),
        predicted=float(limit[worst]),
        measured=float(value[worst]),
        tolerance=float(slack[worst]),
        detectable=float(slack[worst]),
        replicates=value.size,
    )


def bound_whp(
    violations: int, trials: int, *, delta: float, alpha: float, matters: float | None = None
) -> Verdict:
    """Decide "holds with probability >= 1 - delta" from ``violations`` in ``trials``.

    Refuted if Binomial(trials, delta) reaches ``violations`` with probability <= alpha.
    matters: a violation rate worth noticing (default 3 delta).
    """
    _require_alpha(alpha)
    if not 0 <= violations <= trials or trials < 1:
        raise ValueError(f"violations={violations}, needs 0 <= . <= trials={trials}, trials >= 1")
    if not 0.0 < delta < 1.0:
        raise ValueError(f"delta={delta}, needs 0 < . < 1")
    tail = float(stats.binom.sf(violations - 1, trials, delta))
    critical = _critical_violations(trials, delta, alpha)
    detectable = _detectable_rate(trials, critical)
    wanted = min(1.0, 3.0 * delta) if matters is None else matters
    if violations >= critical:
        outcome = Outcome.REFUTED
    else:
        outcome = Outcome.CONFIRMED if detectable <= wanted else Outcome.INCONCLUSIVE
    statistic = _tail_statistic(tail, alpha)
    return Verdict(
        outcome=outcome,
        statistic=statistic,
        margin=1.0 - statistic,
        alpha=alpha,
        replicates=trials,
        predicted=delta,
        measured=violations / trials,
        detectable=detectable,
        samples_needed=_samples_for_rate(delta, alpha, wanted),
    )


def _critical_violations(trials: int, delta: float, alpha: float) -> int:
    """Return the smallest count that refutes (trials + 1 if none does)."""
    count = int(stats.binom.isf(alpha, trials, delta))
    while stats.binom.sf(count - 1, trials, delta) > alpha:
        count += 1
    return count


def _detectable_rate(trials: int, critical: int) -> float:
    if critical > trials:
        return 1.0 + 1.0 / trials
    return float(stats.beta.ppf(POWER, critical, trials - critical + 1))


def _samples_for_rate(delta: float, alpha: float, rate: float) -> int:
    trials = 1
    while _detectable_rate(trials, _critical_violations(trials, delta, alpha)) > rate:
        trials = math.ceil(trials * 1.25) + 1
        if trials > 10**7:
            break
    return trials


def _tail_statistic(probability: float, alpha: float) -> float:
    """Map a p-value to log(p) / log(alpha): 1 at the limit, 0 for p = 1."""
    smallest = np.finfo(np.float64).tiny
    return math.log(max(probability, smallest)) / math.log(alpha)


def chi_square(
    total: float, dof: int, *, alpha: float, matters: float = 1.25, draws: int = 1
) -> Verdict:
    """Decide an exact law: ``total`` is chi-square with ``dof`` degrees of freedom.

    Two-sided. ``detectable`` is the ratio of scales refuted with power 0.9 (upwards).
    """
    _require_alpha(alpha)
    if dof < 1:
        raise ValueError(f"dof={dof}, needs >= 1")
    value = float(_finite("total", total)[0])
    tail = 2.0 * min(stats.chi2.sf(value, dof), stats.chi2.cdf(value, dof))
    detectable = float(stats.chi2.isf(alpha / 2, dof) / stats.chi2.ppf(1 - POWER, dof))
    if tail <= alpha:
        outcome = Outcome.REFUTED
    else:
        outcome = Outcome.CONFIRMED if detectable <= matters else Outcome.INCONCLUSIVE
    statistic = _tail_statistic(min(tail, 1.0), alpha)
    needed = dof_for_scale(alpha, matters)
    return Verdict(
        outcome=outcome,
        statistic=statistic,
        margin=1.0 - statistic,
        alpha=alpha,
        replicates=draws,
        predicted=1.0,
        measured=value / dof,
        detectable=detectable,
        samples_needed=math.ceil(draws * needed / dof),
        margin_std_error=1.0 / abs(math.log(alpha)),
    )


def dof_for_scale(alpha: float, matters: float) -> int:
    """Return the degrees of freedom at which a scale ``matters`` > 1 is refuted with power 0.9."""
    if not matters > 1.0:
        raise ValueError(f"matters={matters}, needs a ratio of scales > 1")

    def gap(log_dof: float) -> float:
        dof = math.exp(log_dof)
        return float(stats.chi2.isf(alpha / 2, dof) / stats.chi2.ppf(1 - POWER, dof)) - matters

    return math.ceil(math.exp(optimize.brentq(gap, 0.0, math.log(1e12))))


def uniform_law(values: ArrayLike, *, alpha: float, matters: float = 0.5) -> Verdict:
    """Decide that probability transforms are uniform on [0, 1] (exact Kolmogorov-Smirnov).

    ``detectable``: a bound on the largest distance of distribution functions that could escape
    (critical distance plus the Dvoretzky-Kiefer-Wolfowitz term at power 0.9).
    """
    _require_alpha(alpha)
    sample = _finite("values", values)
    if sample.min() < 0 or sample.max() > 1:
        raise ValueError(f"values in [{sample.min()}, {sample.max()}], needs [0, 1]")
    result = stats.kstest(sample, "uniform", method="exact")
    critical = float(stats.kstwo.isf(alpha, sample.size))
    detectable = critical + math.sqrt(math.log(2 / (1 - POWER)) / (2 * sample.size))
    if result.pvalue <= alpha:
        outcome = Outcome.REFUTED
    else:
        outcome = Outcome.CONFIRMED if detectable <= matters else Outcome.INCONCLUSIVE
    statistic = _tail_statistic(float(result.pvalue), alpha)
    return Verdict(
        outcome=outcome,
        statistic=statistic,
        margin=1.0 - statistic,
        alpha=alpha,
        replicates=sample.size,
        predicted=0.0,
        measured=float(result.statistic),
        detectable=detectable,
        samples_needed=math.ceil(sample.size * (detectable / matters) ** 2),
        margin_std_error=1.0 / abs(math.log(alpha)),
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
    _require_alpha(alpha)
    sample = _finite("samples", samples)
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
    if gap - half_width > tolerance:
        outcome = Outcome.REFUTED
    elif statistic <= 1.0 and (matters is None or detectable <= matters):
        outcome = Outcome.CONFIRMED
    else:
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


def ordering(
    differences: ArrayLike, *, slack: float, alpha: float, matters: float | None = None
) -> Verdict:
    """Decide ``mean(differences) >= 0`` from paired differences, up to ``slack`` >= 0.

    Refuted if the t interval of level 1 - alpha lies below -slack, confirmed if above it.
    """
    _require_alpha(alpha)
    sample = _finite("differences", differences)
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
