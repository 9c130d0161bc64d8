"""The level of the interval of a mean at 5e-9, and its power: sampled, not believed.

Of a gamma law the mean of a sample and its shape (the sample over its mean) are independent. Given
the shape, the event that the interval misses the true mean is one about the mean alone, whose
probability is a gamma tail: levels of 1e-9 are sampled with a few thousand shapes. The shapes are
drawn at another parameter, which makes the rare ones common, and weighted by the ratio of the
Dirichlet densities.
"""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln

from lpfl import decide

TAIL = 2.5e-9
SHAPES = 3000
TILTS = (1.0, 1.5, 2.0)


def misses(count: int, skewness: float, *, above: bool, plain: bool = False) -> float:
    """Return how often an interval of tail TAIL misses the mean of a gamma law, over TAIL.

    above: the true mean lies above the interval. plain: the t interval without correction. The
    best of several tilts: the one with the smallest standard error.
    """
    estimates = [_sampled(count, 4.0 / skewness**2, tilt, above, plain) for tilt in TILTS]
    return min(estimates, key=lambda pair: pair[1])[0] / TAIL


def _sampled(
    count: int, shape: float, tilt: float, above: bool, plain: bool
) -> tuple[float, float]:
    rng = np.random.default_rng(count)
    drawn = shape * tilt
    rows = rng.gamma(drawn, size=(SHAPES, count))
    rows /= rows.sum(1, keepdims=True)
    log_weight = (shape - drawn) * np.log(rows).sum(1)
    log_weight += gammaln(count * shape) - count * gammaln(shape)
    log_weight -= gammaln(count * drawn) - count * gammaln(drawn)
    ends = np.array([_end(row, above, plain) for row in rows]) * count  # over the sample's mean
    limit = count * shape / np.maximum(ends, 1e-12)
    law = stats.gamma(count * shape)
    log_chance = law.logcdf(limit) if above else np.where(ends > 0, law.logsf(limit), -np.inf)
    terms = np.exp(log_weight + log_chance)
    mean = float(terms.mean())
    return mean, float(terms.std()) / max(mean, 1e-300)


def _end(row: np.ndarray, above: bool, plain: bool) -> float:
    if plain:
        reach = (
            float(stats.t.isf(TAIL, row.size - 1)) * float(row.std(ddof=1)) / math.sqrt(row.size)
        )
        return float(row.mean()) + (reach if above else -reach)
    interval = decide.mean_interval("shape", row, TAIL)
    return interval.high if above else interval.low


@pytest.mark.parametrize(
    ("count", "skewness"),
    [(32, 0.4), (32, 1.0), (64, 0.4), (64, 1.0), (64, 2.0), (128, 2.8), (256, 2.0), (256, 2.8)],
)
def test_the_interval_errs_at_most_as_often_as_it_says(count, skewness):
    """Both sides of a skewed law; 1.3 leaves room for the sampling of the level itself."""
    assert misses(count, skewness, above=True) <= 1.3
    assert misses(count, skewness, above=False) <= 1.3


def test_the_plain_interval_would_not():
    """What the correction mends: without it the level is exceeded by two orders and more."""
    assert misses(64, 1.0, above=True, plain=True) > 100
    assert misses(64, 2.0, above=True, plain=True) > 3000


def test_nearly_normal_samples_pay_little():
    """At 256 replicates the interval is at most a tenth longer than the t interval."""
    rng = np.random.default_rng(1)
    longer = []
    for row in rng.standard_normal((50, 256)):
        interval = decide.mean_interval("row", row, TAIL)
        longer.append(interval.reach / (stats.t.isf(TAIL, 255) * interval.std_error))
    assert 1.0 < float(np.median(longer)) < 1.2


@pytest.mark.parametrize("count", [8, 48, 64, 256])
def test_what_is_stated_as_detectable_is_refuted_nine_times_in_ten(count):
    """Stated by one sample, tried on another: the power at the working level, not at 1e-3."""
    rng = np.random.default_rng(count)
    alpha, tolerance, tries = 1e-8, 0.3, 1500
    refuted = 0
    for stated, fresh in rng.standard_normal((tries, 2, count)):
        size = decide.equivalence(
            stated, predicted=0.0, tolerance=tolerance, alpha=alpha
        ).detectable
        verdict = decide.equivalence(fresh + size, predicted=0.0, tolerance=tolerance, alpha=alpha)
        refuted += verdict.outcome is decide.Outcome.REFUTED
    assert 0.85 < refuted / tries < 0.95


def test_samples_needed_respects_the_rival():
    """As many replicates as it says confirm beside the rival; a half does not."""
    rng = np.random.default_rng(3)
    common = {"predicted": 0.0, "tolerance": 0.1, "alpha": 1e-8, "matters": 0.15}
    needed = decide.equivalence(0.2 * rng.standard_normal(64), **common).samples_needed
    enough = decide.equivalence(0.2 * rng.standard_normal(int(1.3 * needed)), **common)
    few = decide.equivalence(0.2 * rng.standard_normal(needed // 3), **common)
    assert enough.outcome is decide.Outcome.CONFIRMED
    assert few.outcome is decide.Outcome.INCONCLUSIVE


def test_a_rival_within_the_tolerance_is_out_of_reach():
    verdict = decide.equivalence(
        np.zeros(64), predicted=0.0, tolerance=0.2, alpha=1e-8, matters=0.1
    )
    assert verdict.outcome is decide.Outcome.INCONCLUSIVE
    assert verdict.samples_needed == 10**9


@pytest.mark.parametrize("values", [[2.0] * 9, [0.0] * 8, [1e300] * 8])
def test_constant_samples_have_an_interval_of_no_length(values):
    interval = decide.mean_interval("values", values, TAIL)
    assert interval.low == interval.high == values[0]
    same = decide.equivalence(values, predicted=values[0], tolerance=1.0, alpha=1e-8)
    assert same.outcome is decide.Outcome.CONFIRMED
