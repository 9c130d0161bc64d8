"""Decisions with exact laws: binomial tails, chi-square, Kolmogorov-Smirnov."""

import math
from functools import lru_cache

from numpy.typing import ArrayLike
from scipy import optimize, stats

from lpfl import guards
from lpfl.decide.verdict import (
    POWER,
    Outcome,
    Verdict,
    require_alpha,
    require_finite_values,
    tail_statistic,
)


def bound_whp(
    violations: int, trials: int, *, delta: float, alpha: float, matters: float | None = None
) -> Verdict:
    """Decide "holds with probability >= 1 - delta" from ``violations`` in ``trials``.

    Refuted if Binomial(trials, delta) reaches ``violations`` with probability <= alpha.
    matters: a violation rate worth noticing (default 3 delta).
    """
    require_alpha(alpha)
    guards.count("violations", violations, least=0, most=guards.count("trials", trials))
    guards.number("delta", delta, above=0.0, below=1.0)
    if matters is not None:
        guards.number("matters", matters, least=0.0)
    tail = float(stats.binom.sf(violations - 1, trials, delta))
    critical = _critical_violations(trials, delta, alpha)
    detectable = _detectable_rate(trials, critical)
    wanted = min(1.0, 3.0 * delta) if matters is None else matters
    if violations >= critical:
        outcome = Outcome.REFUTED
    else:
        outcome = Outcome.CONFIRMED if detectable <= wanted else Outcome.INCONCLUSIVE
    statistic = tail_statistic(tail, alpha)
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


@lru_cache(maxsize=1024)
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


@lru_cache(maxsize=1024)
def _samples_for_rate(delta: float, alpha: float, rate: float) -> int:
    trials = 1
    while _detectable_rate(trials, _critical_violations(trials, delta, alpha)) > rate:
        trials = math.ceil(trials * 1.25) + 1
        if trials > 10**7:
            break
    return trials


def chi_square(
    total: float, dof: int, *, alpha: float, matters: float = 1.25, draws: int = 1
) -> Verdict:
    """Decide an exact law: ``total`` is chi-square with ``dof`` degrees of freedom.

    Two-sided. ``detectable`` is the ratio of scales refuted with power 0.9 (upwards).
    """
    require_alpha(alpha)
    guards.count("dof", dof)
    guards.count("draws", draws)
    guards.number("matters", matters, above=1.0)
    value = guards.number("total", total)
    tail = 2.0 * min(stats.chi2.sf(value, dof), stats.chi2.cdf(value, dof))
    detectable = float(stats.chi2.isf(alpha / 2, dof) / stats.chi2.ppf(1 - POWER, dof))
    if tail <= alpha:
        outcome = Outcome.REFUTED
    else:
        outcome = Outcome.CONFIRMED if detectable <= matters else Outcome.INCONCLUSIVE
    statistic = tail_statistic(min(tail, 1.0), alpha)
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


@lru_cache(maxsize=1024)
def dof_for_scale(alpha: float, matters: float) -> int:
    """Return the degrees of freedom at which a scale ``matters`` > 1 is refuted with power 0.9."""
    if not matters > 1.0:
        raise ValueError(f"matters={matters}, needs a ratio of scales > 1")

    def gap(log_dof: float) -> float:
        dof = math.exp(log_dof)
        return float(stats.chi2.isf(alpha / 2, dof) / stats.chi2.ppf(1 - POWER, dof)) - matters

    if gap(0.0) <= 0.0:
        return 1
    return math.ceil(math.exp(optimize.brentq(gap, 0.0, math.log(1e12))))


def uniform_law(values: ArrayLike, *, alpha: float, matters: float = 0.5) -> Verdict:
    """Decide that probability transforms are uniform on [0, 1] (exact Kolmogorov-Smirnov).

    ``detectable``: a bound on the largest distance of distribution functions that could escape
    (critical distance plus the Dvoretzky-Kiefer-Wolfowitz term at power 0.9).
    """
    require_alpha(alpha)
    guards.number("matters", matters, least=0.0)
    sample = require_finite_values("values", values)
    if sample.min() < 0 or sample.max() > 1:
        raise ValueError(f"values in [{sample.min()}, {sample.max()}], needs [0, 1]")
    result = stats.kstest(sample, "uniform", method="exact")
    critical = float(stats.kstwo.isf(alpha, sample.size))
    detectable = critical + math.sqrt(math.log(2 / (1 - POWER)) / (2 * sample.size))
    if result.pvalue <= alpha:
        outcome = Outcome.REFUTED
    else:
        outcome = Outcome.CONFIRMED if detectable <= matters else Outcome.INCONCLUSIVE
    statistic = tail_statistic(float(result.pvalue), alpha)
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
