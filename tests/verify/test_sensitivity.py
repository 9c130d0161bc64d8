"""What a run would have said had the prediction been wrong."""

import numpy as np
import pytest
import torch

from lpfl.decide import Outcome
from lpfl.verify.expect import Above, Below, ChiSquare, Near, Rival, Same, Scale
from lpfl.verify.sensitivity import ERRORS, outcomes_if_wrong, strongest
from lpfl.verify.tolerance import judgement, rounding

ALPHA = 1e-8
TIGHT = rounding(torch.float64, dim=4)
REFUTED, OPEN, CONFIRMED = Outcome.REFUTED, Outcome.INCONCLUSIVE, Outcome.CONFIRMED


def near(tolerance: float, mean: float = 1.0) -> Near:
    samples = mean + 1e-3 * np.random.default_rng(0).standard_normal(128)
    allowed = judgement(tolerance, "a test of the test")
    return Near(part="a", samples=samples, predicted=mean, tolerance=allowed, rival=Rival("2", 2.0))


def test_an_identity_shows_every_error():
    one = Same(part="a", measured=3.0, predicted=3.0, tolerance=TIGHT)
    assert outcomes_if_wrong(one, ALPHA) == dict.fromkeys(ERRORS, REFUTED)


def test_a_margin_hides_what_is_smaller_than_itself():
    found = outcomes_if_wrong(near(0.08), ALPHA)
    assert found == {0.05: CONFIRMED, 0.10: REFUTED, 0.25: REFUTED}


def test_the_weaker_direction_counts():
    """Measured 4 % above the prediction: 10 % too low is refuted, 10 % too high is not."""
    samples = 1.04 + 1e-3 * np.random.default_rng(0).standard_normal(128)
    allowed = judgement(0.08, "a test of the test")
    one = Near(part="a", samples=samples, predicted=1.0, tolerance=allowed)
    assert outcomes_if_wrong(one, ALPHA)[0.10] is CONFIRMED


def test_an_exact_law_shows_a_wrong_scale():
    rng = np.random.default_rng(1)
    totals = rng.chisquare(20, size=400)
    one = ChiSquare(part="a", totals=totals, dof=20, scale=Scale(1.2, "a test"))
    found = outcomes_if_wrong(one, ALPHA)
    assert found[0.25] is REFUTED
    assert found[0.05] is not REFUTED


def test_a_bound_is_only_made_stronger():
    attained = Below(part="a", measured=0.99, limit=1.0, tolerance=TIGHT)
    loose = Below(part="a", measured=0.5, limit=1.0, tolerance=TIGHT)
    assert outcomes_if_wrong(attained, ALPHA) == dict.fromkeys(ERRORS, REFUTED)
    assert outcomes_if_wrong(loose, ALPHA) == dict.fromkeys(ERRORS, CONFIRMED)


@pytest.mark.parametrize(
    "one",
    [
        Same(part="a", measured=0.0, predicted=0.0, tolerance=TIGHT, scale=1.0),
        Above(part="a", measured=1.0, least=judgement(0.1, "a test")),
    ],
)
def test_without_a_number_there_is_nothing_to_be_wrong_by(one):
    assert outcomes_if_wrong(one, ALPHA) == {}


def test_several_findings_together_show_what_one_of_them_shows():
    assert strongest([{0.05: OPEN, 0.1: CONFIRMED}, {0.05: CONFIRMED, 0.1: REFUTED}, {}]) == {
        0.05: OPEN,
        0.1: REFUTED,
    }
