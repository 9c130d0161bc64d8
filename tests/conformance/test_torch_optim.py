"""torch's own optimizers, all of them: nothing deviates, and what is found is known."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome

OWN = sorted(
    name
    for name, kind in vars(torch.optim).items()
    if isinstance(kind, type)
    and issubclass(kind, torch.optim.Optimizer)
    and kind is not torch.optim.Optimizer
)
CLAIMS = {
    "Adadelta": "adadelta", "Adagrad": "adagrad", "Adam": "adam", "AdamW": "adamw",
    "Adamax": "adamax", "LBFGS": "lbfgs", "Muon": "muon", "NAdam": "nadam", "RAdam": "radam",
    "RMSprop": "rmsprop", "Rprop": "rprop", "SGD": "sgd",
}  # fmt: skip
LIMITS = {
    ("LBFGS", "api.strides"),
    ("LBFGS", "api.copy"),
    ("RMSprop", "api.momentum-raised"),
    ("SGD", "api.grads-kept"),
}
"""LBFGS raises for gradients that are not contiguous (it calls view), and after a deep copy.
RMSprop makes its buffers in the first step or never. SGD with Nesterov's momentum and foreach
writes into p.grad."""
DEVIATES = {("LBFGS", "api.lr-tensor")}
"""It keeps the tensor of its rate, which schedulers fill, as the length of the last step."""


@pytest.fixture(scope="module")
def reports():
    return {
        name: check_optimizer(
            OptimizerSpec(
                name,
                getattr(torch.optim, name),
                claims={CLAIMS[name]} if name in CLAIMS else frozenset(),
            ),
            on_fail=None,
            checks=["api", "def"],
        )
        for name in OWN
    }


@pytest.mark.parametrize("name", OWN)
def test_nothing_else_deviates(reports, name):
    found = {(name, r.check) for r in reports[name].results if r.outcome is Outcome.DEVIATES}
    assert found == {(n, check) for n, check in DEVIATES if n == name}


@pytest.mark.parametrize("name", OWN)
def test_limits_are_the_known_ones(reports, name):
    found = {(name, r.check) for r in reports[name].results if r.outcome is Outcome.LIMIT}
    assert found == {(n, check) for n, check in LIMITS if n == name}


@pytest.mark.parametrize("name", sorted(set(OWN) - {"LBFGS", "SparseAdam"}))
def test_most_checks_apply(reports, name):
    silent = (Outcome.UNDRIVABLE, Outcome.NOT_CLAIMED, Outcome.INCONCLUSIVE)
    asked = [r for r in reports[name].results if r.check.startswith("api.")]
    assert 8 * sum(r.outcome in silent for r in asked) <= len(asked)


def test_nadam_rounds_its_product_when_loaded(reports):
    found = [r for r in reports["NAdam"].results if r.check == "api.resume"]
    rounded = [r for r in found if r.outcome is Outcome.NUMERICS]
    assert any("mu_product" in str(r.details) for r in rounded)


def test_adam_turns_nan_in_float16(reports):
    assert reports["Adam"].outcome("api.float16") is Outcome.NUMERICS


def test_sgd_is_said_to_be_sgd():
    report = check_optimizer(torch.optim.SGD, checks=["def.degenerates"])
    assert "SGD" in " ".join(report.supports)


def test_every_check_answers_on_sgd():
    """All checks, theory and invariances too, on one optimizer."""
    spec = OptimizerSpec("SGD", torch.optim.SGD, claims={"sgd"})
    report = check_optimizer(spec, on_fail=None)
    assert report.failed == []
    assert any(r.check.startswith("theory.") and r.feature for r in report.results)
    assert any(r.check.startswith("inv.") for r in report.results)
