"""Constructors that sort parameters into groups of their own, and layers refused on one line."""

import pytest
import torch
from torch import nn

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.toy_kfac import Kfac


class Routes(torch.optim.Optimizer):
    """Signs for matrices, gradient descent for all others; a group holds one kind."""

    def __init__(self, params, lr=0.1):
        params = list(params)
        sets = [[p for p in params if (p.ndim > 1) == flag] for flag in (True, False)]
        groups = [
            {"params": held, "signs": flag} for held, flag in zip(sets, (True, False), strict=True)
        ]
        super().__init__([g for g in groups if g["params"]], {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p -= group["lr"] * (p.grad.sign() if group["signs"] else p.grad)


class FirstGroup(torch.optim.SGD):
    """It steps the first group alone."""

    def step(self, closure=None):
        groups, self.param_groups = self.param_groups, self.param_groups[:1]
        super().step(closure)
        self.param_groups = groups


class Linears(Kfac):
    """For linear layers."""

    def __init__(self, model, lr=0.1, damping=1e-4):
        held = [m for m in model.modules() if any(True for _ in m.parameters(recurse=False))]
        if not all(isinstance(m, nn.Linear) for m in held): raise ValueError("linear layers only")  # noqa: E701  # fmt: skip
        super().__init__(model, lr=lr, damping=damping)


class Checks(Kfac):
    """For linear layers."""

    def __init__(self, model, lr=0.1, damping=1e-4):
        held = {type(m) for m in model.modules() if any(True for _ in m.parameters(recurse=False))}
        torch._check_value(held <= {nn.Linear}, lambda: f"linear layers only, not {held}")
        super().__init__(model, lr=lr, damping=damping)


class Stumbles(Kfac):
    """For layers of any kind."""

    def __init__(self, model, lr=0.1, damping=1e-4):
        super().__init__(model, lr=lr, damping=damping)
        for m in model.modules():
            if isinstance(m, nn.Conv2d):
                m.weight @ torch.ones(7)


def answers(kind, check):
    needs = frozenset({"model"}) if issubclass(kind, Kfac) else frozenset()
    spec = OptimizerSpec(kind.__name__, kind, needs=needs)
    return check_optimizer(spec, on_fail=None, quick=True, checks=[check]).results


def outcomes_of_raising(kind):
    told = [r for r in answers(kind, "layer.kinds") if "raises ValueError" in r.message]
    return {str(result.outcome) for result in told}


@pytest.mark.parametrize(
    ("kind", "outcome"), [(Routes, "cannot be driven here"), (FirstGroup, "limit")]
)
def test_a_parameter_is_not_put_into_a_group_of_another_kind(kind, outcome):
    (result,) = answers(kind, "api.split-groups")
    assert str(result.outcome) == outcome


@pytest.mark.parametrize("kind", [Linears, Checks])
def test_a_refusal_of_layers_may_be_written_in_any_form(kind):
    assert outcomes_of_raising(kind) == {"documented variant"}


def test_a_stumble_over_layers_is_a_limit():
    told = [r for r in answers(Stumbles, "layer.kinds") if "of several groups raises" in r.message]
    assert [str(result.outcome) for result in told] == ["limit"]
