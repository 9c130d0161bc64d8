"""Sides above the largest that has a preconditioner: right and wrong ones are left out."""

import pytest

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.toy_shampoo import (
    AllOrNone,
    Ignored,
    OfAllSides,
    OtherSide,
    Shampoo,
    Soap,
    SoapOtherSide,
    Unknown,
)

CHECK = "def.wide-sides"


@pytest.mark.parametrize(
    ("kind", "claim", "outcome", "words"),
    [
        (Shampoo, "shampoo", "conforms", "the others to their own exponent"),
        (OfAllSides, "shampoo", "conforms up to a convention", "to the exponent of all sides"),
        (AllOrNone, "shampoo", "documented variant", "plain gradient"),
        (OtherSide, "shampoo", "deviates", "keep the preconditioner of the side above it"),
        (Ignored, "shampoo", "limit", "it is not used"),
        (Unknown, "shampoo", "inconclusive", "in no way known here"),
        (Soap, "soap", "conforms", "the identity there"),
        (SoapOtherSide, "soap", "deviates", "keep the preconditioner of the side above it"),
    ],
)
def test_the_side_that_goes_without_is_named(kind, claim, outcome, words):
    spec = OptimizerSpec("s", kind, claims=frozenset({claim}))
    report = check_optimizer(spec, on_fail=None, checks=[CHECK])
    said = " ".join(r.message for r in report.results)
    assert (str(report.outcome(CHECK)), words in said) == (outcome, True), said
    assert outcome not in ("deviates", "limit") or report.results[0].snippet, report.results
