"""Gradients behind an option that is off, memory over a step without a gradient, and by shape."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter
from tests.conformance.toy_shampoo import Soap


class Clipped(torch.optim.SGD):
    """Gradient descent. max_grad_norm: clips each gradient to this norm, on a copy (None: not)."""

    in_place = False

    def __init__(self, params, lr=0.1, max_grad_norm=None, centralize=False):
        super().__init__(params, lr=lr)
        self.own = (max_grad_norm, centralize)

    def step(self, closure=None):
        most, centralize = self.own
        held = [p for g in self.param_groups for p in g["params"] if p.grad is not None]
        before = [p.grad for p in held]
        for p in held:
            g = p.grad if self.in_place else p.grad.clone()
            if most is not None:
                g.mul_(min(1.0, most / float(g.norm())))
            if centralize and g.ndim > 1:
                g.sub_(g.mean(dim=1, keepdim=True))
            p.grad = g
        loss = super().step(closure)
        for p, g in zip(held, before, strict=True):
            p.grad = g
        return loss


class ClippedInPlace(Clipped):
    in_place = True


class Momentum(PerParameter, lr=0.1, momentum=0.9):
    def update(self, p, g, state, group):
        state["m"] = group["momentum"] * state.get("m", torch.zeros_like(p)) + g
        p -= group["lr"] * state["m"]


class Forgets(Momentum):
    """A parameter without a gradient in a step loses its buffer."""

    def step(self, closure=None):
        loss = super().step(closure)
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    self.state.pop(p, None)
        return loss


class OneForEachShape(PerParameter, lr=0.1, momentum=0.9):
    """The memories of parameters of one shape are one."""

    def update(self, p, g, state, group):
        held = self.state.setdefault(tuple(p.shape), {})
        held["m"] = group["momentum"] * held.get("m", torch.zeros_like(p)) + g
        p -= group["lr"] * held["m"]


class ReturnsAtFirst(Soap):
    """The first gradient of a parameter ends the step for those behind it."""

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                new = not self.state[p]
                self.update(p, p.grad, self.state[p], group)
                if new:
                    return


def outcome(kind, claims, check):
    spec = OptimizerSpec(kind.__name__, kind, claims=frozenset(claims))
    report = check_optimizer(spec, on_fail=None, quick=True, checks=[check])
    return str(report.results[0].outcome)


@pytest.mark.parametrize(("kind", "wanted"), [(Clipped, "conforms"), (ClippedInPlace, "limit")])
def test_a_gradient_is_kept_behind_an_option(kind, wanted):
    assert outcome(kind, (), "api.grads-kept") == wanted


@pytest.mark.parametrize(("kind", "wanted"), [(Momentum, "conforms"), (Forgets, "deviates")])
def test_memory_outlives_a_step_without_a_gradient(kind, wanted):
    assert outcome(kind, {"momentum"}, "api.missing") == wanted


@pytest.mark.parametrize("claim", ["momentum", "mars", "normuon", "scion"])
def test_parameters_of_one_shape_share_nothing(claim):
    assert outcome(Momentum, {claim}, "api.coupling") == "conforms"
    assert outcome(OneForEachShape, {claim}, "api.coupling") == "deviates"


def test_free_bases_leave_squares_to_judge_by():
    assert outcome(Soap, {"soap"}, "api.coupling") == "conforms"
    assert outcome(ReturnsAtFirst, {"soap"}, "api.coupling") == "deviates"
    assert outcome(ReturnsAtFirst, {"soap"}, "api.order") == "deviates"
