"""Paths, orders and steps that differ beside an option, a format or a scaler only."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance import faulty_paths as faulty
from tests.conformance.twin_answers import judged, require_apart

PAIRS = [
    ("api.paths", faulty.Cautious, faulty.AgreesWithItself, "deviates", "agreeing=True"),
    ("api.paths", faulty.Cautious, faulty.NoFloor, "deviates", "eps=0.01"),
    ("api.paths", faulty.Captured, faulty.CapturedRoot, "deviates", "capturable=True"),
    ("api.paths", faulty.Captured, faulty.CapturedInside, "deviates", "rate 0 in 2 steps"),
    ("api.paths", faulty.BySparse, faulty.EndsAtSparse, "deviates", "sparse gradient in float32"),
    ("api.order-switches", faulty.DecaysByShare, faulty.SharesAgain, "deviates", "by_share=True"),
    ("api.scaler", faulty.Unscales, faulty.StepsAnyway, "deviates", "unscaled before step()"),
    ("api.counters", faulty.OwnCounter, faulty.CountsByDefault, "numerics", "set_default_dtype"),
]


@pytest.mark.parametrize(("check", "right", "wrong", "outcome", "words"), PAIRS)
def test_the_fault_is_found_and_its_twin_is_not_accused(check, right, wrong, outcome, words):
    require_apart(check, right, wrong, outcome, words)


def test_the_default_format_of_the_process_is_put_back():
    judged(faulty.CountsByDefault, "api.counters")
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize(
    ("kind", "outcome"), [(torch.optim.Adam, "conforms"), (torch.optim.NAdam, "not claimed")]
)
def test_only_an_optimizer_that_leaves_infinite_steps_out_itself_is_asked(kind, outcome):
    report = check_optimizer(OptimizerSpec("adam", kind), on_fail=None, checks=["api.scaler"])
    assert str(report.outcome("api.scaler")) == outcome
