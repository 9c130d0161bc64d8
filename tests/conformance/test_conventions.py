"""Right optimizers in unusual conventions are acquitted, and driven."""

import pytest

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance.conventions import adaptive, factored, matrices
from tests.conformance.twins import rates

RIGHT = [
    *adaptive.RIGHT,
    *matrices.RIGHT,
    *factored.RIGHT,
    (rates.METHODS["schedule_free_sgd"].twin(), "schedule-free", ("def.trajectory",)),
    (rates.METHODS["schedule_free"].twin(rates.PRESENT), "schedule-free", ("def.trajectory",)),
    (rates.METHODS["schedule_free"].twin(rates.IN_RATE), "schedule-free", ("def.trajectory",)),
]
ACQUITTED = {Outcome.CONFORMS, Outcome.CONVENTION, Outcome.VARIANT, Outcome.NUMERICS}

ACCUSES = {Outcome.LIMIT, Outcome.DEVIATES}


@pytest.mark.parametrize(("kind", "claim", "checks"), RIGHT)
def test_nobody_with_a_convention_is_accused(kind, claim, checks):
    spec = OptimizerSpec(kind.__name__, kind, claims=frozenset({claim}))
    report = check_optimizer(spec, checks=list(checks), on_fail=None, quick=True)
    assert report.outcome("def.trajectory") in ACQUITTED
    accused = [(r.check, r.message) for r in report.results if r.outcome in ACCUSES]
    assert accused == []


@pytest.mark.parametrize(
    ("kind", "check"),
    [(factored.UpsideDown, "def.graft"), (factored.SaysOtherwise, "def.trajectory")],
)
def test_a_word_in_the_text_is_no_excuse(kind, check):
    spec = OptimizerSpec(kind.__name__, kind, claims=frozenset({"shampoo"}))
    report = check_optimizer(spec, checks=[check], on_fail=None, quick=True)
    assert report.outcome(check) is Outcome.DEVIATES


def test_a_late_basis_is_named():
    class Late(factored.EarlySoap):
        def update(self, p, g, s, o):
            super().update(p, g, s, {**o, "frequency": 10**9})

    spec = OptimizerSpec("Late", Late, claims=frozenset({"soap"}))
    report = check_optimizer(spec, checks=["def.trajectory"], on_fail=None, quick=True)
    assert report.outcome("def.trajectory") is Outcome.DEVIATES


def test_a_later_look_at_the_options_is_no_excuse_for_another_formula():
    class Halved(adaptive.WarmAdam):
        """Adam with a warm-up, and half of the second moment."""

        def update(self, p, g, s, o):
            super().update(p, g * g.abs().sqrt(), s, o)

    spec = OptimizerSpec("Halved", Halved, claims=frozenset({"adam"}))
    report = check_optimizer(spec, checks=["def.trajectory"], on_fail=None, quick=True)
    assert report.outcome("def.trajectory") is Outcome.DEVIATES


def test_the_form_that_fits_somewhere_is_the_one_that_is_told():
    class OneGroup(rates.METHODS["schedule_free_sgd"].twin()):  # type: ignore[misc]
        """Schedule-free SGD that moves on at its first rate when the rate is halved."""

        def step(self, closure=None):
            for group in self.param_groups:
                group["lr"] = group.setdefault("first", group["lr"])
            return super().step(closure)

    spec = OptimizerSpec("OneGroup", OneGroup, claims=frozenset({"schedule-free"}))
    report = check_optimizer(spec, checks=["def.trajectory"], on_fail=None, quick=True)
    (result,) = report.results
    assert result.outcome is Outcome.DEVIATES
    assert "not for lr halved" in result.message
