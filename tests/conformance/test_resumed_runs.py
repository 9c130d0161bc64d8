"""Runs resumed with unequal counts, the order of parameters, and the run after another one."""

import pytest

from tests.conformance import faulty_resumed as faulty
from tests.conformance.faulty_small import Adam
from tests.conformance.twin_answers import judged, require_apart

PAIRS = [
    ("api.resume", Adam, faulty.OneCountForAll, "deviates", "'t' of parameter 1 is 7, not 3"),
    ("api.resume", faulty.CountsByGroup, faulty.OneCountOfGroups, "deviates", "was added after 2"),
    ("api.in-place", faulty.InWiderBits, faulty.InWiderMemory, "limit", "six steps in bfloat16"),
    ("api.coupling", faulty.NormOfEach, faulty.ByShape, "limit", "of one shape influence"),
    ("api.parameter-order", faulty.MatricesFirst, faulty.ThroughASet, "deviates", "in memory"),
    ("api.run-again", faulty.Rises, faulty.RisesForGood, "deviates", "momentum of RisesForGood"),
]


@pytest.mark.parametrize(("check", "right", "wrong", "outcome", "words"), PAIRS)
def test_the_fault_is_found_and_its_twin_is_not_accused(check, right, wrong, outcome, words):
    require_apart(check, right, wrong, outcome, words)


@pytest.mark.parametrize("kind", [faulty.SaysByShape, faulty.NormOfAll])
def test_parameters_that_are_told_to_act_together_or_all_do_are_no_finding(kind):
    assert judged(kind, "api.coupling")[0] == "documented variant"


def test_a_switch_of_its_own_is_on_while_resuming():
    assert judged(faulty.KeepsFewBits, "api.resume")[0] == "conforms"
    outcome, said, _ = judged(faulty.ForgetsFewBits, "api.resume")
    assert (outcome, "with few_bits=True" in said) == ("numerics", True), said


def test_a_group_that_moves_otherwise_when_added_later_is_no_matter_of_loading():
    assert judged(faulty.LateGroupsDiffer, "api.resume")[0] == "conforms"


def test_a_default_that_was_written_into_is_put_back():
    judged(faulty.RisesForGood, "api.run-again")
    assert faulty.RisesForGood.__init__.__defaults__[1] == [0.0]
