"""Hybrids: a rule for matrices, and another one for whatever is no matrix."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments, orthogonal


class Matrices(PerParameter, lr=0.02, momentum=0.95):
    """Orthogonalised momentum for matrices, another rule for the rest."""

    def update(self, p, g, state, group):
        if p.ndim == 2:
            m = state.setdefault("m", 0.0 * g)
            m.lerp_(g, 1 - group["momentum"])
            factor = max(1.0, p.shape[0] / p.shape[1]) ** 0.5
            p -= group["lr"] * factor * orthogonal(m)
        else:
            self.other(p, g, state, group)


class Hybrid(Matrices, adam_lr=3e-4, betas=(0.9, 0.999)):
    """Adam for the rest, with options of its own."""

    def other(self, p, g, state, group):
        adam(p, g, state, rate=group["adam_lr"], betas=group["betas"], eps=1e-8)


class ByRows(Hybrid):
    """A kernel is stepped by neither rule: its entries are scaled row by row."""

    def other(self, p, g, state, group):
        p -= group["adam_lr"] * g / g.flatten(1).norm(dim=1).mean() if p.ndim > 2 else 1e-3 * g


def outcome_of(kind: type) -> Outcome:
    spec = OptimizerSpec("hybrid", kind, claims={"muon"})
    return check_optimizer(spec, checks=["api.flatten"], on_fail=None).outcome("api.flatten")


def test_kernels_may_be_left_to_the_rule_for_vectors():
    assert outcome_of(Hybrid) is Outcome.CONVENTION


def test_a_third_rule_for_kernels_is_not_excused():
    assert outcome_of(ByRows) is Outcome.DEVIATES


def adam(p, g, state, *, rate, betas=(0.9, 0.95), eps=1e-10):
    group = {"betas": betas}
    m, v = corrected(*moments(p, g, state, group), group)
    p -= rate * m / (v.sqrt() + eps)


class Constants(Matrices):
    """The Adam for vectors has no options at all."""

    def other(self, p, g, state, group):
        adam(p, g, state, rate=3e-4)


class Multiple(Matrices):
    """The Adam for vectors has a fixed share of the rate."""

    def other(self, p, g, state, group):
        adam(p, g, state, rate=0.15 * group["lr"])


class Decayed(Hybrid, weight_decay=0.0):
    """Decoupled decay of every weight, each at its own rate."""

    def update(self, p, g, state, group):
        rate = group["lr" if p.ndim == 2 else "adam_lr"]
        p.mul_(1 - rate * group["weight_decay"])
        super().update(p, g, state, group)


class Derived(Matrices):
    """Each step sets another key of the group to what the option holds."""

    def __init__(self, params, lr=0.02, momentum=0.95, vector_lr=3e-4):
        super().__init__(params, lr=lr, momentum=momentum, vector_lr=vector_lr)
        for group in self.param_groups:
            group["adam_lr"] = group["vector_lr"]

    def other(self, p, g, state, group):
        group["adam_lr"] = group["vector_lr"]
        adam(p, g, state, rate=group["adam_lr"])


class Uncorrected(Hybrid):
    def other(self, p, g, state, group):
        m, v, _ = moments(p, g, state, group)
        p -= group["adam_lr"] * m / (v.sqrt() + 1e-8)


class Swapped(Hybrid):
    def other(self, p, g, state, group):
        adam(p, g, state, rate=group["adam_lr"], betas=group["betas"][::-1])


class OtherRate(Hybrid):
    """The rate of the matrices, in spite of the option for vectors."""

    def other(self, p, g, state, group):
        adam(p, g, state, rate=group["lr"], betas=group["betas"])


class UncorrectedConstants(Matrices):
    def other(self, p, g, state, group):
        m, v, _ = moments(p, g, state, {"betas": (0.9, 0.95)})
        p -= 3e-4 * m / (v.sqrt() + 1e-10)


class Coupled(Decayed):
    """Decay of vectors in the gradient."""

    def update(self, p, g, state, group):
        if p.ndim == 2:
            super().update(p, g, state, group)
        else:
            self.other(p, g + group["weight_decay"] * p, state, group)


def on_vectors(kind: type, claim: str = "adamw"):
    """Return the answer about vectors, once that about matrices was seen to be right."""
    spec = OptimizerSpec("hybrid", kind, claims={"muon", claim})
    report = check_optimizer(spec, checks=["def.trajectory"], quick=True, on_fail=None)
    matrices, vectors = report.results
    assert matrices.outcome is Outcome.CONFORMS
    assert vectors.message.startswith("Vectors and numbers alone")
    return vectors


def test_no_other_check_holds_matrices_to_the_claim_about_vectors():
    spec = OptimizerSpec("hybrid", Hybrid, claims={"muon", "adamw"})
    report = check_optimizer(spec, checks=["def", "inv", "theory"], quick=True, on_fail=None)
    assert not report.failed


@pytest.mark.parametrize("kind", [Hybrid, Decayed, Derived])
def test_a_claim_beside_a_method_for_matrices_is_about_vectors(kind):
    assert on_vectors(kind).outcome is Outcome.CONFORMS


@pytest.mark.parametrize(
    ("kind", "words"),
    [(Constants, "a constant rate of 0.0003"), (Multiple, "0.15 times lr as rate")],
)
def test_a_rule_for_vectors_may_have_a_rate_of_its_own(kind, words):
    answer = on_vectors(kind)
    assert answer.outcome is Outcome.VARIANT
    assert words in answer.message


@pytest.mark.parametrize("kind", [Uncorrected, Swapped, OtherRate, UncorrectedConstants, Coupled])
def test_a_wrong_rule_for_vectors_deviates(kind):
    answer = on_vectors(kind)
    assert answer.outcome is Outcome.DEVIATES
    assert answer.snippet or answer.details["no snippet"]


def test_decay_in_the_gradient_of_vectors_is_that_of_adam():
    assert on_vectors(Coupled, "adam").outcome is Outcome.CONFORMS


def test_a_method_for_matrices_that_takes_nothing_else_is_not_driven_on_vectors():
    spec = OptimizerSpec("torch", torch.optim.Muon, claims={"muon", "adamw"})
    report = check_optimizer(spec, checks=["def.trajectory"], quick=True, on_fail=None)
    assert report.results[-1].outcome is Outcome.UNDRIVABLE
