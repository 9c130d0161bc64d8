"""Decisions: error rates, power, and the numbers that come with a verdict."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from lpfl import decide
from lpfl.decide import Outcome
from lpfl.seeding import generator

ALPHA = 1e-3
RUNS = 4000


def normal(*shape: int, name: str) -> np.ndarray:
    """Return standard normal numbers from a named stream."""
    stream = generator(0, "test decide", name)
    return torch.randn(*shape, generator=stream, dtype=torch.float64).numpy()


def most_false_refutations(alpha: float, runs: int) -> int:
    """Return a count that a true level exceeds with probability 1e-6."""
    return int(stats.binom.isf(1e-6, runs, alpha))


def test_identity_confirms_refutes_and_says_when_it_could_not():
    assert decide.identity([1e-15], tolerance=1e-12).outcome is Outcome.CONFIRMED
    assert decide.identity([1e-15, 1e-11], tolerance=1e-12).outcome is Outcome.REFUTED
    assert decide.identity([1e-9], tolerance=0.5).outcome is Outcome.INCONCLUSIVE


def test_a_verdict_of_numpy_numbers_can_be_written_as_json():
    """A prediction from NumPy once made the count of a calibration unwritable."""
    verdict = decide.equivalence(
        np.linspace(0.9, 1.1, 16), predicted=np.float64(1.0), tolerance=1.0, alpha=0.1
    )
    numbers = [value for value in vars(verdict).values() if value is not None]
    assert not [value for value in numbers if isinstance(value, np.generic)]
    assert type(verdict.predicted) is float
    assert verdict.predicted == 1.0


def test_exact_identity_carries_its_bound():
    verdict = decide.exact_identity(True, false_pass_bound=1e-16, degree=12)
    assert verdict.outcome is Outcome.CONFIRMED
    assert "1e-16" in verdict.detail
    assert decide.exact_identity(False, false_pass_bound=1e-16, degree=12).statistic > 1


def test_bound_refutes_beyond_rounding_only():
    assert decide.bound([0.5, 1.0], 1.0, rounding=0.0).outcome is Outcome.CONFIRMED
    assert decide.bound([1.0 + 1e-9], 1.0, rounding=1e-8).outcome is Outcome.CONFIRMED
    verdict = decide.bound([0.5, 1.0 + 1e-7], 1.0, rounding=1e-8)
    assert verdict.outcome is Outcome.REFUTED
    assert verdict.measured == 1.0 + 1e-7


def test_equivalence_level():
    """At the edge of the tolerance a refutation is an error: at most alpha of them."""
    samples = 1.0 + normal(RUNS, 32, name="level")
    refuted = sum(
        decide.equivalence(row, predicted=0.5, tolerance=0.5, alpha=ALPHA).outcome
        is Outcome.REFUTED
        for row in samples
    )
    assert refuted <= most_false_refutations(ALPHA / 2, RUNS)


def test_equivalence_power_matches_what_it_states():
    """An effect of the stated detectable size is refuted about 90 % of the time."""
    detected = 0
    for row in normal(600, 64, name="power"):
        stated = decide.equivalence(row, predicted=0.0, tolerance=0.3, alpha=ALPHA).detectable
        shifted = decide.equivalence(row + stated, predicted=0.0, tolerance=0.3, alpha=ALPHA)
        detected += shifted.outcome is Outcome.REFUTED
    assert 0.8 < detected / 600 < 0.97


def test_equivalence_is_inconclusive_without_power():
    row = normal(16, name="few")
    verdict = decide.equivalence(row, predicted=0.0, tolerance=0.1, alpha=ALPHA)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.samples_needed > 16
    many = normal(verdict.samples_needed * 4, name="many")
    assert (
        decide.equivalence(many, predicted=0.0, tolerance=0.1, alpha=ALPHA).outcome
        is Outcome.CONFIRMED
    )


def test_equivalence_respects_the_rival():
    """A detectable effect larger than the distance to the rival cannot confirm."""
    row = 1e-3 * normal(64, name="rival")
    near = decide.equivalence(row, predicted=0.0, tolerance=0.1, alpha=ALPHA, matters=0.05)
    far = decide.equivalence(row, predicted=0.0, tolerance=0.1, alpha=ALPHA, matters=0.5)
    assert near.outcome is Outcome.INCONCLUSIVE
    assert far.outcome is Outcome.CONFIRMED


@pytest.mark.parametrize("dof", [1, 20, 3000])
def test_chi_square_level_and_power(dof):
    stream = torch.distributions.Chi2(torch.tensor(float(dof), dtype=torch.float64))
    torch.manual_seed(1)
    totals = stream.sample((RUNS,)).numpy()
    level = sum(
        decide.chi_square(float(total), dof, alpha=ALPHA).outcome is Outcome.REFUTED
        for total in totals
    )
    assert level <= most_false_refutations(ALPHA, RUNS)
    scale = decide.chi_square(float(dof), dof, alpha=ALPHA).detectable
    power = np.mean(
        [
            decide.chi_square(float(total * scale), dof, alpha=ALPHA).outcome is Outcome.REFUTED
            for total in totals
        ]
    )
    assert 0.87 < power < 0.93


def test_chi_square_sample_size_is_enough():
    needed = decide.dof_for_scale(1e-8, 1.1)
    assert decide.chi_square(float(needed), needed, alpha=1e-8, matters=1.1).outcome is (
        Outcome.CONFIRMED
    )
    assert decide.chi_square(0.8 * needed, int(0.8 * needed), alpha=1e-8, matters=1.1).outcome is (
        Outcome.INCONCLUSIVE
    )


def test_uniform_law_level_and_power():
    uniform = stats.norm.cdf(normal(600, 200, name="uniform"))
    refuted = sum(
        decide.uniform_law(row, alpha=ALPHA).outcome is Outcome.REFUTED for row in uniform
    )
    assert refuted <= most_false_refutations(ALPHA, 600)
    wrong = decide.uniform_law(uniform[0] ** 3, alpha=ALPHA)
    assert wrong.outcome is Outcome.REFUTED


def test_bound_whp_level_and_power():
    delta, trials = 0.1, 200
    stream = generator(0, "test decide", "whp")
    draws = torch.rand(RUNS, trials, generator=stream, dtype=torch.float64)
    at_bound = (draws < delta).sum(1).tolist()
    refuted = sum(
        decide.bound_whp(v, trials, delta=delta, alpha=ALPHA).outcome is Outcome.REFUTED
        for v in at_bound
    )
    assert refuted <= most_false_refutations(ALPHA, RUNS)
    detectable = decide.bound_whp(0, trials, delta=delta, alpha=ALPHA).detectable
    power = np.mean(
        [
            decide.bound_whp(int(v), trials, delta=delta, alpha=ALPHA).outcome is Outcome.REFUTED
            for v in (draws < detectable).sum(1)
        ]
    )
    assert 0.86 < power < 0.96


def test_bound_whp_needs_enough_trials():
    few = decide.bound_whp(0, 10, delta=0.01, alpha=1e-8)
    assert few.outcome is Outcome.INCONCLUSIVE
    enough = decide.bound_whp(0, few.samples_needed, delta=0.01, alpha=1e-8)
    assert enough.outcome is Outcome.CONFIRMED


def test_bound_whp_that_no_count_refutes_is_open_at_any_rate():
    """Three trials with a chance of a half each: even three violations are no news."""
    few = decide.bound_whp(0, 3, delta=0.5, alpha=1e-8)
    assert few.outcome is Outcome.INCONCLUSIVE
    sure = decide.bound_whp(0, 3, delta=0.5, alpha=1e-8, matters=1.0)
    assert few.samples_needed == sure.samples_needed


def test_ordering_three_ways():
    noise = 0.1 * normal(64, name="ordering")
    assert decide.ordering(1.0 + noise, slack=0.0, alpha=ALPHA).outcome is Outcome.CONFIRMED
    assert decide.ordering(-1.0 + noise, slack=0.0, alpha=ALPHA).outcome is Outcome.REFUTED
    assert decide.ordering(noise, slack=0.0, alpha=ALPHA).outcome is Outcome.INCONCLUSIVE
    assert decide.ordering(noise, slack=0.5, alpha=ALPHA).outcome is Outcome.CONFIRMED


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: decide.identity([math.nan], tolerance=1.0), "error holds 1 non-finite"),
        (lambda: decide.identity([1.0], tolerance=0.0), "tolerance=0.0, needs finite and > 0"),
        (lambda: decide.bound([math.inf], 1.0, rounding=0.0), "values holds 1 non-finite"),
        (
            lambda: decide.equivalence([1.0] * 4, predicted=1, tolerance=1, alpha=0.1),
            "4 replicates, needs >= 8",
        ),
        (
            lambda: decide.equivalence([1.0] * 9, predicted=1, tolerance=1, alpha=0),
            "alpha=0, needs finite and > 0 and < 1",
        ),
        (lambda: decide.bound_whp(5, 4, delta=0.1, alpha=0.1), "violations=5"),
        (lambda: decide.bound_whp(1, 4, delta=1.0, alpha=0.1), "delta=1.0"),
        (lambda: decide.chi_square(1.0, 0, alpha=0.1), "dof=0, needs >= 1"),
        (lambda: decide.uniform_law([1.5], alpha=0.1), "needs [0, 1]"),
        (lambda: decide.dof_for_scale(0.1, 1.0), "matters=1.0"),
    ],
)
def test_bad_input_names_value_and_bound(call, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        call()
    assert words in str(error.value)


def test_an_identity_predicts_no_error():
    assert decide.identity([0.3, 0.1], tolerance=1.0, coarsest=2.0).predicted == 0.0


def test_a_rate_beyond_one_third_does_not_count_as_seen_where_no_count_refutes():
    """Three times the rate is more than all: with few trials nothing is detectable."""
    verdict = decide.bound_whp(0, 4, delta=0.5, alpha=1e-6)
    assert verdict.detectable > 1.0
    assert verdict.outcome is decide.Outcome.INCONCLUSIVE
