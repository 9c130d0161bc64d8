"""Numbers without a usual name: each group's own is read, and told periods act."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance import faulty_layers as faulty


def judged(kind, check):
    report = check_optimizer(OptimizerSpec("s", kind), on_fail=None, checks=[check])
    outcome = str(report.outcome(check)) if report.results else "not asked"
    return outcome, " ".join(r.message for r in report.results), report.results


@pytest.mark.parametrize(
    ("kind", "outcome", "words"),
    [
        (faulty.Rooted, "conforms", "Groups that differ in curve"),
        (faulty.RootedByFirst, "limit", "the second with curve=1.0"),
        (faulty.RootedByConstructor, "not asked", ""),
        (torch.optim.AdamW, "not asked", ""),
    ],
)
def test_the_number_of_the_first_group_is_not_that_of_all(kind, outcome, words):
    answer, said, results = judged(kind, "api.group-numbers")
    assert (answer, words in said) == (outcome, True), said
    assert outcome != "limit" or results[0].snippet


@pytest.mark.parametrize(
    ("kind", "outcome", "words"),
    [
        (faulty.Renewed, "conforms", "The smallest effect of gap"),
        (faulty.NeverRenewed, "limit", "what is told to happen every gap steps does not"),
        (faulty.OverEpochs, "not asked", ""),
        (torch.optim.AdamW, "not asked", ""),
    ],
)
def test_a_period_that_is_told_acts(kind, outcome, words):
    answer, said, results = judged(kind, "api.periods")
    assert (answer, words in said) == (outcome, True), said
    assert outcome != "limit" or "acts: False" in results[0].snippet


@pytest.mark.parametrize(
    ("kind", "outcome", "words"),
    [
        (faulty.Bounded, "conforms", "The smallest effect of limit"),
        (faulty.Unbounded, "limit", "what 0 is told to turn off does nothing"),
        (faulty.Weighted, "not asked", ""),
    ],
)
def test_a_bound_that_zero_turns_off_acts(kind, outcome, words):
    answer, said, results = judged(kind, "api.limits")
    assert (answer, words in said) == (outcome, True), said
    assert outcome != "limit" or "acts: False" in results[0].snippet
