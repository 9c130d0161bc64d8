"""Rates and momenta that change in mid-run, parameters that are frozen at first."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance import faulty_scheduled as faulty
from tests.conformance.twin_answers import judged, require_apart

HALF_OF_IT = "filled with half of it after 3 steps"
PAIRS = [
    ("api.momentum-raised", faulty.Heavy, faulty.SpeedFromTheStart, "limit", "raises KeyError"),
    ("api.momentum-raised", faulty.Heavy, faulty.SwitchedAtTheStart, "limit", "does nothing"),
    ("api.lr-tensor", faulty.Heavy, faulty.ReadsTheTensorOnce, "limit", HALF_OF_IT),
    ("api.lr-read", faulty.TensorForEach, faulty.OneTensorForAll, "deviates", "another group"),
    ("api.lr-read", faulty.Scaled, faulty.ScalesAgain, "limit", "scaled again in each step"),
    ("api.lr-read", faulty.Scaled, faulty.DecaysForEach, "deviates", "a group of 3 parameters"),
    ("api.paths", faulty.Fused, faulty.FusedWithTheFirstRate, "deviates", "half the rate from"),
    ("api.unfrozen", faulty.Heavy, faulty.LeavesFrozenOut, "limit", "never moves"),
    ("api.unfrozen", faulty.Heavy, faulty.StateForTrained, "limit", "raises KeyError"),
    ("api.micro-batches", faulty.Heavy, faulty.ClearsWithoutArgument, "limit", "set_to_none"),
    ("api.add-group", faulty.SparesVectors, faulty.SparesTheFirstVectors, "deviates", "a vector"),
]


@pytest.mark.parametrize(("check", "right", "wrong", "outcome", "words"), PAIRS)
def test_the_fault_is_found_and_its_twin_is_not_accused(check, right, wrong, outcome, words):
    require_apart(check, right, wrong, outcome, words)


def test_frozen_ones_that_are_left_out_in_words_are_a_variant():
    outcome, said, _ = judged(faulty.SaysFrozenAreLeftOut, "api.unfrozen")
    assert (outcome, "documentation speaks" in said) == ("documented variant", True)


def test_a_tensor_that_the_caller_hands_to_all_groups_is_the_callers():
    rate = torch.tensor(0.1, dtype=torch.float64)
    report = check_optimizer(
        OptimizerSpec("shared", torch.optim.AdamW, options={"lr": rate}),
        on_fail=None,
        checks=["api.lr-read"],
    )
    assert str(report.outcome("api.lr-read")) == "conforms", report.results[0].message


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.AdamW, torch.optim.Adagrad])
@pytest.mark.parametrize("check", ["api.unfrozen", "api.lr-tensor", "api.momentum-raised"])
def test_torch_itself_conforms(kind, check):
    assert judged(kind, check)[0] in ("conforms", "not claimed")
