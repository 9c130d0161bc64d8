"""What shows only beside other parameters, options or drives: wrong optimizers and right ones."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance import faulty_counts as counts
from tests.conformance import faulty_joint as faulty
from tests.conformance.twin_answers import judged, require_apart

PAIRS = [
    ("api.shapes", faulty.InOneLaunch, faulty.EndsWithEntries, "deviates", "after which"),
    ("api.shapes", faulty.InOneLaunch, faulty.EndsWithEntriesOfForeach, "deviates", "foreach=True"),
    ("api.many", faulty.InOneLaunch, faulty.LosesOneOnTheBorder, "deviates", "31, 62, 93, 124"),
    ("api.split-groups", faulty.ClipsTogether, faulty.ForgetsOtherGroups, "limit", "max_norm"),
    ("api.finite-switches", faulty.SharesSteps, faulty.SharesNothing, "deviates", "sharing=True"),
    ("api.finite-counts", counts.LeavesStepsOut, counts.LeavesNoStepsOut, "limit", "offset=5"),
    ("api.finite-counts", counts.SharesDecay, counts.SharesByZero, "deviates", "switch it off"),
    ("api.steady", faulty.CentredAboveZero, faulty.CentredBelowZero, "numerics", "centred=True"),
    ("api.complex", faulty.AsPairs, faulty.PairsInTheLoop, "limit", "foreach=True"),
    ("api.complex", faulty.AsPairs, faulty.LargestOfReals, "limit", "largest=True"),
    ("api.lr-tensor", faulty.RateAsItIs, faulty.RateFallsInPlace, "limit", "foreach=True"),
    ("api.sparse", faulty.UphillBySparse, faulty.DownhillBySparse, "limit", "maximize=True"),
    ("api.add-group", faulty.LooksAhead, faulty.FirstGroupsLookAhead, "deviates", "nesterov=True"),
]


@pytest.mark.parametrize(("check", "right", "wrong", "outcome", "words"), PAIRS)
def test_the_fault_is_found_and_its_twin_is_not_accused(check, right, wrong, outcome, words):
    require_apart(check, right, wrong, outcome, words)


def pieces(kind):
    spec = OptimizerSpec("s", kind, claims=frozenset({"sgd"}))
    (result,) = check_optimizer(spec, on_fail=None, checks=["api.pieces"]).results
    return str(result.outcome), result.message, result.snippet


def test_entries_that_a_large_weight_leaves_out_are_counted():
    outcome, message, snippet = pieces(faulty.LeavesTheRest)
    assert outcome == "deviates"
    assert "3 of 4355 entries, from the 4353th on" in message
    assert "# prints: entries unlike those of the pieces: 3" in snippet


@pytest.mark.parametrize(
    "kind",
    [faulty.DecaysAll, faulty.RoundsLargeWeights, faulty.DrawsEntries, faulty.DecaysByShape],
)
def test_what_is_no_matter_of_single_entries_is_not_accused(kind):
    assert pieces(kind)[0] == "conforms"


def test_a_length_of_each_group_is_a_convention_where_no_other_is_promised():
    outcome, said, _ = judged(faulty.ClipsEachGroup, "api.split-groups")
    assert (outcome, "as it would alone" in said) == ("conforms up to a convention", True)


def test_a_length_of_the_first_group_for_all_is_a_limit():
    assert judged(faulty.FirstGroupClips, "api.split-groups")[0] == "limit"


@pytest.mark.parametrize("check", ["api.many", "api.split-groups", "api.finite-switches"])
@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.RMSprop, torch.optim.Adafactor])
def test_torch_conforms(kind, check):
    assert judged(kind, check)[0] == "conforms"


def test_centred_averages_that_torch_rounds_below_zero_too_are_left_open():
    spec = OptimizerSpec("s", faulty.CentredBelowZero, claims=frozenset({"rmsprop"}))
    (result,) = check_optimizer(spec, on_fail=None, checks=["api.steady"]).results
    assert str(result.outcome) == "inconclusive"
    assert "torch's own RMSprop shows the same" in result.message


def test_a_switch_that_the_constructor_does_not_take_is_not_expected_of_a_later_group():
    assert "decoupled_weight_decay" in torch.optim.AdamW([torch.ones(1)]).param_groups[0]
    assert judged(torch.optim.AdamW, "api.add-group")[0] == "conforms"
