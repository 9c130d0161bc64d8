"""Verdicts of def.trajectory: right optimizers are acquitted, planted faults are named."""

from typing import Any

import pytest
import torch

from lpfl.conformance.checks.definition.trajectory import claims, trajectory
from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.runs import Candidate
from lpfl.conformance.definition.scenarios import Scenario
from lpfl.conformance.definition.trajectory_snippet import first_miss
from lpfl.conformance.oracles import oracles
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.spec import OptimizerSpec
from lpfl.conformance.subject import Subject
from tests.conformance.oracles.rule_optimizer import ADAM, adam, momentum, optimizer, shampoo
from tests.conformance.twins import matrices

SGD = {"lr": 0.1, "momentum": 0.9, "nesterov": False, "weight_decay": 0.0}


def verdict(factory: Any, claim: str, **spec: Any) -> CheckResult:
    made = OptimizerSpec(name="subject", factory=factory, claims=frozenset({claim}), **spec)
    (result,) = list(trajectory(Subject(made, quick=True)))  # type: ignore[arg-type]
    return result


RIGHT = [
    ("sgd", torch.optim.SGD, {}, Outcome.CONFORMS),
    ("nesterov", torch.optim.SGD, {"momentum": 0.9}, Outcome.CONFORMS),
    ("adam", torch.optim.Adam, {}, Outcome.CONFORMS),
    ("adamw", torch.optim.AdamW, {}, Outcome.CONFORMS),
    ("amsgrad", torch.optim.Adam, {"amsgrad": True}, Outcome.CONVENTION),
    ("nadam", torch.optim.NAdam, {}, Outcome.NUMERICS),
    ("radam", torch.optim.RAdam, {}, Outcome.CONVENTION),
    ("adamax", torch.optim.Adamax, {}, Outcome.CONFORMS),
    ("adagrad", torch.optim.Adagrad, {}, Outcome.CONFORMS),
    ("adadelta", torch.optim.Adadelta, {}, Outcome.CONFORMS),
    ("rmsprop", torch.optim.RMSprop, {}, Outcome.CONFORMS),
    ("rprop", torch.optim.Rprop, {}, Outcome.CONFORMS),
    ("lbfgs", torch.optim.LBFGS, {}, Outcome.CONFORMS),
    ("adafactor", torch.optim.Adafactor, {}, Outcome.CONVENTION),
    ("adam", optimizer(adam(), **ADAM), {}, Outcome.CONFORMS),
    ("nesterov", optimizer(momentum(), **SGD), {}, Outcome.CONFORMS),
    ("shampoo", optimizer(shampoo(), lr=0.1, eps=1e-3), {}, Outcome.CONFORMS),
]


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: f"{case[0]}-{case[1].__name__}")
def test_right_optimizers_are_acquitted(case: Any) -> None:
    claim, factory, options, wanted = case
    found = verdict(factory, claim, options=options)
    assert found.outcome is wanted, found.message
    assert found.details["settings"]


def test_decoupled_decay_of_which_the_docstring_speaks_is_a_variant_of_adam() -> None:
    found = verdict(torch.optim.AdamW, "adam")
    assert found.outcome is Outcome.VARIANT, found.message
    assert found.convention == {"decay": "times lr"}


def test_torchs_muon_computes_in_bfloat16() -> None:
    found = verdict(torch.optim.Muon, "muon")
    assert found.outcome in (Outcome.NUMERICS, Outcome.CONVENTION), found.message
    assert "bfloat16" in found.convention["orthogonalisation"]


WRONG = [
    ("adam", optimizer(adam("correction of the wrong power"), **ADAM), "(1 - beta2^t)^0.5"),
    ("adam", optimizer(adam("step 1 only"), **ADAM), "No convention of adam fits"),
    ("adam", optimizer(adam("counts from zero"), **ADAM), "No convention of adam fits"),
    ("adam", optimizer(adam("half epsilon"), **ADAM), "with eps at its default every step fits"),
    (
        "adam",
        optimizer(adam("epsilon times lr"), **ADAM),
        "with eps at its default every step fits",
    ),
    ("adam", optimizer(adam("decoupled decay"), **ADAM), "decay: times lr"),
    ("adam", optimizer(adam("stale second moment"), **ADAM), "from step 2"),
    (
        "adam",
        optimizer(adam("half the step"), **ADAM),
        "every update is 0.5 times the definition's",
    ),
    ("adam", optimizer(adam("factor by shape"), **ADAM), "rows^0.5 columns^-1"),
    ("adam", optimizer(adam("ascends"), **ADAM), "wrong sign"),
    ("adam", optimizer(adam("betas swapped at vectors"), **ADAM), "off for 5"),
    ("adam", optimizer(adam("sum of absolute values"), **ADAM), "direction"),
    ("momentum", optimizer(momentum("momentum sign"), **SGD), "direction"),
    ("momentum", optimizer(momentum("buffer reset every fifth step"), **SGD), "from step 5"),
    ("nesterov", optimizer(momentum("Nesterov mix swapped"), **SGD), "No convention"),
    ("nesterov", optimizer(momentum("Nesterov with the old buffer"), **SGD), "No convention"),
    ("shampoo", optimizer(shampoo("errors that cancel at step 1"), lr=0.1, eps=1e-9), ""),
    ("shampoo", optimizer(shampoo("tall scaled"), lr=0.1, eps=1e-3), "6 x 4"),
    ("adamw", torch.optim.Adam, "decay: L2 in the gradient"),
    ("adam", torch.optim.RMSprop, "No convention of adam fits"),
]


@pytest.mark.parametrize("case", WRONG, ids=lambda case: f"{case[0]}-{case[2][:24]}")
def test_planted_faults_are_found_and_named(case: Any) -> None:
    claim, factory, words = case
    found = verdict(factory, claim)
    assert found.outcome is Outcome.DEVIATES, found.message
    assert words in found.message, found.message
    assert found.measured is not None
    assert found.measured > 1e-6
    assert found.snippet or "no snippet" in found.details
    assert found.scenario["step"] >= 1


def test_an_option_is_not_blamed_for_a_mistake_of_one_shape() -> None:
    found = verdict(optimizer(shampoo("tall scaled"), lr=0.1, eps=1e-2), "shampoo")
    assert "right for weights of shape" in found.message
    assert "does not act" not in found.message


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("two rounds", "it makes 2 rounds of the iteration, not 5"),
        ("sign before the iteration", "function of the gradient's singular values, and is none"),
    ],
)
def test_what_a_wrong_muon_does_is_named(fault: str, words: str) -> None:
    found = verdict(matrices.METHODS["muon"].twin(fault), "muon")
    assert found.outcome is Outcome.DEVIATES
    assert words in found.message


def test_the_momentum_that_a_wrong_muon_sees_is_named() -> None:
    class Fresh(matrices.METHODS["muon"].twin()):  # type: ignore[misc]
        def update(self, p: Any, g: Any, state: Any, group: Any) -> None:
            state.setdefault("m", g / (1 - group["momentum"]))
            super().update(p, g, state, group)

    assert "the second step orthogonalises its gradient plus" in verdict(Fresh, "muon").message


def test_a_free_basis_of_a_null_space_shows_nothing() -> None:
    subject = Subject(OptimizerSpec(name="soap", factory=matrices.METHODS["soap"].twin()))
    comparison = Comparison(subject, oracles()["soap"])
    (run,) = comparison.runs(Scenario("wide", ((2, 5),), steps=4))
    reading = Candidate(comparison.oracle.paper(), {"period": 1})
    assert max(comparison.gaps(run, reading)) > 0.01
    assert first_miss(run, comparison, reading, 1e-3) is None


def test_every_claim_has_a_reference_or_is_called_unknown() -> None:
    spec = OptimizerSpec(
        name="s", factory=torch.optim.SGD, claims=frozenset({"sgd", "kfac", "teleports"})
    )
    (unknown,) = list(claims(Subject(spec)))  # type: ignore[arg-type]
    assert unknown.outcome is Outcome.UNKNOWN
    assert "'teleports'" in unknown.message
    assert len(oracles()) > 30


class ClippedAdam(torch.optim.Adam):
    """Adam that divides long gradients by their norm, squared where it should not be."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, grad_clip=1.0):
        super().__init__(params, lr=lr, betas=betas, eps=eps)
        for group in self.param_groups:
            group.setdefault("grad_clip", grad_clip)

    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None and p.grad.norm() > group["grad_clip"]:
                    p.grad = p.grad * group["grad_clip"] / p.grad.norm() ** 2
        return super().step(closure)


def test_an_option_that_is_set_aside_is_named_as_not_judged_at_its_default():
    result = verdict(ClippedAdam, "adam")
    assert "with grad_clip=1e+12, not judged at the default" in result.message
    assert result.details["aside"] == {"grad_clip": 1e12}
