"""Small sides joined to one: right kernels, and one whose sides are not neighbours."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.toy_shampoo import JoinsOthers, Merges

CHECK = "def.merged-sides"


@pytest.mark.parametrize(
    ("kind", "claims", "outcome"),
    [
        (Merges, {"shampoo"}, "conforms"),
        (JoinsOthers, {"shampoo"}, "deviates"),
        (JoinsOthers, set(), "inconclusive"),
        (torch.optim.SGD, {"sgd"}, "not claimed"),
    ],
)
def test_a_kernel_moves_as_the_weight_of_its_joined_sides(kind, claims, outcome):
    spec = OptimizerSpec("s", kind, claims=frozenset(claims))
    report = check_optimizer(spec, on_fail=None, checks=[CHECK])
    said = " ".join(r.message for r in report.results)
    assert str(report.outcome(CHECK)) == outcome, said
    assert outcome != "deviates" or report.results[0].snippet, report.results
