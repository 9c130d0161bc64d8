"""AdaHessian and SM3: right ones conform, their faults are named by trajectory or probes."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance import faulty_layers as faulty


def judged(kind, claim, *checks):
    spec = OptimizerSpec("s", kind, claims=frozenset({claim}))
    return check_optimizer(spec, on_fail=None, quick=True, checks=list(checks))


@pytest.mark.parametrize(
    ("kind", "claim"), [(faulty.AdaHessian, "adahessian"), (faulty.SM3, "sm3")]
)
def test_a_right_one_conforms(kind, claim):
    report = judged(kind, claim, "def")
    assert [r.message for r in report.findings] == []
    assert str(report.outcome("def.trajectory")) == "conforms"


def test_signs_that_are_drawn_are_told_from_one_sign_for_all():
    assert str(judged(faulty.AdaHessian, "adahessian", "def.probes").outcome("def.probes")) == (
        "conforms"
    )
    for kind in (faulty.OneSign, faulty.OneSignForAll):
        (answer,) = judged(kind, "adahessian", "def.probes").results
        assert "one sign" in answer.message
        assert "one sign: True" in answer.snippet


def test_an_optimizer_without_second_derivatives_is_not_asked_for_signs():
    report = judged(torch.optim.Adam, "adahessian", "def.probes")
    assert str(report.outcome("def.probes")) == "cannot be driven here"


def test_curvature_that_piles_up_is_told_by_the_step():
    report = judged(faulty.PilesUp, "adahessian", "def.trajectory")
    assert "factor by step" in report.results[0].message


def test_slices_are_told_from_vectors():
    for kind in (faulty.MeansForMaxima, faulty.OverTheLastAxis):
        report = judged(kind, "sm3", "def.trajectory")
        assert "right for weights of shape 5" in report.results[0].message
