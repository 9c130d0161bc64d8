"""Options that wrap a method in another: the run with one on beside the run with it off."""

import pytest
import torch

from lpfl import check_optimizer
from tests.conformance import faulty_wrapped as faulty
from tests.conformance.twin_answers import judged, require_apart

PAIRS = [
    ("api.centralized", faulty.Centres, faulty.CentresVectors, "deviates", "the only axis"),
    ("api.centralized", faulty.Centres, faulty.CentresInputs, "deviates", "the first axis"),
    ("api.centralized", faulty.Centres, faulty.AlwaysCentres, "limit", "use_gc=False"),
    ("api.grokfast", faulty.Amplifies, faulty.FedBack, "deviates", "fed back"),
    ("api.lookahead", faulty.LooksBack, faulty.ForgetsTheStart, "limit", "not looked back on"),
    ("api.lookahead", faulty.LooksBack, faulty.StartIsPromised, "deviates", "not looked back on"),
    ("api.lookahead", faulty.LooksBack, faulty.SlowIsFast, "limit", "never"),
    ("api.cautious", faulty.Masks, faulty.MasksTheOthers, "deviates", "the wrong half"),
    ("api.cautious", faulty.DecaysTowards, faulty.DecaysAway, "deviates", "from zero by the step"),
    ("api.cautious", faulty.DecaysTowards, faulty.DecaysAnyhow, "limit", "it is not used"),
    ("api.averages", faulty.KeepsAverage, faulty.AverageIsTheWeights, "deviates", "memory"),
    ("api.averages", faulty.KeepsAverage, faulty.LessOfVectors, "deviates", "another share"),
    ("api.averages", faulty.KeepsAverage, faulty.CoarseAverage, "deviates", "bfloat16"),
    ("api.averages", faulty.KeepsAverage, faulty.DecaysTheNew, "deviates", "turned over"),
    ("api.averages", faulty.SaysItIsOfTheNew, faulty.DecaysTheNew, "deviates", "turned over"),
    ("api.own-warm-up", faulty.WarmsUp, faulty.Overwrites, "limit", "overwritten"),
    ("api.options-at-rate-0", faulty.Trusts, faulty.DividesByRate, "limit", "trust=0.1"),
    ("api.adaptive-climb", faulty.Climbs, faulty.ClimbsTooShort, "deviates", "not rho"),
    ("api.micro-batches", faulty.PilesUp, faulty.DividesAgain, "deviates", "0.25 of the first"),
]


@pytest.mark.parametrize(("check", "right", "wrong", "outcome", "words"), PAIRS)
def test_the_fault_is_found_and_its_twin_is_not_accused(check, right, wrong, outcome, words):
    require_apart(check, right, wrong, outcome, words)


@pytest.mark.parametrize(
    ("check", "kind"),
    [("api.centralized", faulty.SaysVectors), ("api.own-warm-up", faulty.SaysItOverwrites)],
)
def test_what_is_told_of_is_a_variant(check, kind):
    assert judged(kind, check)[0] == "documented variant"


def test_an_average_that_may_begin_later_is_not_accused():
    assert not check_optimizer(faulty.BeginsLater, on_fail=None, checks=["api.averages"]).findings


def test_an_average_in_the_format_of_the_weights_is_not_accused_if_no_other_is_told_of():
    assert judged(faulty.PlainAverage, "api.averages")[0] == "conforms"


CHECKS = list(dict.fromkeys(pair[0] for pair in PAIRS if pair[0] != "api.micro-batches"))


@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.ASGD, torch.optim.SGD])
def test_who_has_no_such_option_is_accused_of_nothing(kind):
    report = check_optimizer(kind, on_fail=None, checks=CHECKS)
    assert not report.findings
