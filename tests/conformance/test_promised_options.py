"""What an option promises by its name or documentation, and what it does."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance import faulty_promised as faulty
from tests.conformance.faulty_small import Adam, Sgd
from tests.conformance.twin_answers import require_apart

PAIRS = [
    ("api.clips", faulty.ClipsEntries, faulty.ClipsMemory, "deviates", "clip_value=1"),
    ("api.clips", faulty.ClipsAll, faulty.ClipsEachGroup, "deviates", "each group alone"),
    ("api.clips", faulty.ClipsUnits, faulty.ClipsInputs, "deviates", "each column"),
    ("api.skipped-steps", faulty.LeavesOut, faulty.TimesZero, "deviates", "an entry of nan"),
    ("api.translation", faulty.Averages, faulty.FromZero, "deviates", "use_ema=True"),
]


@pytest.mark.parametrize(("check", "right", "wrong", "outcome", "words"), PAIRS)
def test_the_fault_is_found_and_its_twin_is_not_accused(check, right, wrong, outcome, words):
    require_apart(check, right, wrong, outcome, words)


NOTHING_PROMISED = [
    ("api.clips", faulty.ClipsSteps),
    ("api.clips", faulty.ClipsCentred),
    ("api.clips", torch.optim.Adafactor),
    ("api.skipped-steps", Sgd),
    ("api.translation", faulty.ByLength),
    ("api.translation", torch.optim.ASGD),
]


@pytest.mark.parametrize(("check", "kind"), NOTHING_PROMISED)
def test_who_promises_nothing_is_not_asked(check, kind):
    assert not check_optimizer(kind, on_fail=None, checks=[check]).results


def switched(kind, claim):
    spec = OptimizerSpec("s", kind, claims=frozenset({claim}))
    (result,) = check_optimizer(spec, on_fail=None, checks=["def.switches"]).results
    return result


@pytest.mark.parametrize("kind", [faulty.Corrects, faulty.Apart, faulty.CorrectsOne])
def test_a_switch_that_does_what_it_is_called_or_told_is_not_accused(kind):
    assert str(switched(kind, "adamw").outcome) == "conforms"


WRONG = [
    (faulty.HalfCorrects, "deviates", "bias correction is second only, not none"),
    (faulty.AlwaysCorrects, "limit", "bias correction stays both"),
    (faulty.FirstAlone, "deviates", "not L2 in the gradient"),
]


@pytest.mark.parametrize(("kind", "outcome", "words"), WRONG)
def test_a_switch_obeyed_by_half_is_found(kind, outcome, words):
    result = switched(kind, "adamw")
    assert (str(result.outcome), words in result.message) == (outcome, True), result.message
    assert result.snippet


def test_without_a_switch_there_is_nothing_to_turn():
    spec = OptimizerSpec("s", Adam, claims=frozenset({"adam"}))
    assert not check_optimizer(spec, on_fail=None, checks=["def.switches"]).results
