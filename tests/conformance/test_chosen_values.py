"""Other values of options: what is told of them, and what becomes of the steps."""

import pytest

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance import faulty_chosen as faulty
from tests.conformance.faulty_small import Adam, Sgd
from tests.conformance.twin_answers import judged, require_apart

PAIRS = [
    ("api.left-behind", faulty.InBlocks, faulty.WholeBlocks, "limit", "blocks=2, 5 entries"),
    ("api.off-at-zero", faulty.Rises, faulty.RisesAtZero, "limit", "ZeroDivisionError"),
    ("api.off-at-zero", faulty.Rises, faulty.FallsAtZero, "deviates", "as None is"),
    ("api.off-at-zero", faulty.Rises, faulty.NaNAtZero, "limit", "is not finite"),
    ("def.tiles", faulty.Stable, faulty.StableByNorm, "deviates", "stable=True"),
]


@pytest.mark.parametrize(("check", "right", "wrong", "outcome", "words"), PAIRS)
def test_the_fault_is_found_and_its_twin_is_not_accused(check, right, wrong, outcome, words):
    require_apart(check, right, wrong, outcome, words)


def test_coefficients_that_make_nothing_orthogonal_are_found():
    assert judged(faulty.Orthogonal, "def.coefficients", {"muon"})[0] == "conforms"
    outcome, said, (result,) = judged(faulty.FarFromOrthogonal, "def.coefficients", {"muon"})
    assert (outcome, "coefficients='cubic'" in said) == ("deviates", True), said
    assert result.snippet


def test_entries_that_are_told_to_stand_still_are_no_finding():
    assert judged(faulty.SomeBlocks, "api.left-behind")[0] == "conforms"


def test_a_zero_that_is_refused_in_words_is_no_finding():
    assert judged(faulty.RefusesZero, "api.off-at-zero")[0] == "conforms"


NOT_ASKED = [
    ("def.tiles", Adam),
    ("def.coefficients", faulty.InBlocks),
    ("api.left-behind", Sgd),
    ("api.off-at-zero", Sgd),
]


@pytest.mark.parametrize(("check", "kind"), NOT_ASKED)
def test_without_such_an_option_nothing_is_asked(check, kind):
    spec = OptimizerSpec("s", kind, claims=frozenset({"muon"} if "coef" in check else ()))
    assert not check_optimizer(spec, on_fail=None, checks=[check]).results
