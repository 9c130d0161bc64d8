"""Strict lower bounds: what must fail has to fail by more than the rounding."""

import numpy as np
import pytest

from lpfl.decide import Outcome
from lpfl.verify.expect import Greater
from lpfl.verify.tolerance import judgement

ROUNDING = judgement(1e-3, "of the test")


@pytest.mark.parametrize(
    ("measured", "outcome"),
    [
        (1.1, Outcome.CONFIRMED),
        (1.0, Outcome.REFUTED),
        (1.0005, Outcome.REFUTED),
        (0.5, Outcome.REFUTED),
        (-3.0, Outcome.REFUTED),
    ],
)
def test_a_tie_refutes(measured, outcome):
    verdict = Greater(part="p", measured=measured, limit=1.0, gap=0.1, tolerance=ROUNDING).decide(
        1e-6
    )
    assert verdict.outcome is outcome
    assert (verdict.measured, verdict.predicted) == (measured, 1.0)


def test_the_smallest_excess_decides():
    measured = np.array([5.0, 1.2, 0.9])
    verdict = Greater(part="p", measured=measured, limit=1.0, gap=0.1, tolerance=ROUNDING).decide(
        1e-6
    )
    assert verdict.outcome is Outcome.REFUTED
    assert verdict.measured == 0.9


def test_coarse_rounding_cannot_refute():
    coarse = judgement(0.2, "of the test")
    verdict = Greater(part="p", measured=1.1, limit=1.0, gap=0.1, tolerance=coarse).decide(1e-6)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "hides a gap" in verdict.detail
