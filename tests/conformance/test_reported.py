"""Publicly reported defects: the wrong twin is caught by its check, the right one acquitted."""

import importlib
import pkgutil

import pytest
import torch

import tests.conformance.reported as reported
from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import FINDINGS, Outcome

FRAMES = ("per_parameter", "muon_frame", "kfac_frame")
CASES = [m.name for m in pkgutil.iter_modules(reported.__path__) if m.name not in FRAMES]
ACCUSES = {Outcome.LIMIT, Outcome.DEVIATES}


def case(name):
    return importlib.import_module(f"tests.conformance.reported.{name}")


def judged(name, twin, checks):
    module = case(name)
    spec = OptimizerSpec(f"{name} ({twin})", getattr(module, twin), claims=module.CLAIMS)
    return check_optimizer(spec, on_fail=None, checks=checks)


def test_there_are_22():
    assert len(CASES) == 22


@pytest.mark.parametrize("name", CASES)
def test_the_wrong_twin_is_caught(name):
    report = judged(name, "wrong", list(case(name).CAUGHT_BY))
    found = {check_id: str(report.outcome(check_id)) for check_id in case(name).CAUGHT_BY}
    assert found == case(name).CAUGHT_BY
    for check_id in found:
        (first, *_) = (r for r in report.results if r.check == check_id)
        assert first.message
        assert first.scenario or first.convention or first.outcome not in FINDINGS


@pytest.mark.parametrize("name", CASES)
def test_the_right_twin_is_acquitted(name):
    report = judged(name, "right", ["api", "def"])
    accused = [(r.check, r.message) for r in report.results if r.outcome in ACCUSES]
    assert accused == []


@pytest.mark.parametrize("name", CASES)
def test_both_twins_step(name):
    shape = (6, 4)
    for twin in ("wrong", "right"):
        module = case(name)
        model = torch.nn.Linear(shape[1], shape[0], bias=False, dtype=torch.float64)
        before = model.weight.detach().clone()
        hooked = module.__name__.endswith(("patches_other_way_round", "damping_forgotten"))
        optimizer = getattr(module, twin)(model if hooked else list(model.parameters()))
        for _ in range(2):
            optimizer.zero_grad()
            model(torch.eye(shape[1], dtype=torch.float64)).square().sum().backward()
            optimizer.step()
        assert not torch.equal(model.weight, before)
