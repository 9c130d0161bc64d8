"""Options that rest until a step or a size of another option; slow weights; stated groups."""

import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter
from tests.conformance.twin_answers import judged


class Waits(PerParameter):
    """Gradient descent; momentum sets in after momentum_start steps."""

    def __init__(self, params, lr=0.1, momentum=0.9, momentum_start=1000):
        super().__init__(params, lr=lr, momentum=momentum, momentum_start=momentum_start)

    def acts(self, group, state):
        return state["t"] > group["momentum_start"]

    def update(self, p, g, state, group):
        state["t"] = state.get("t", 0) + 1
        if self.acts(group, state):
            g = state.setdefault("m", torch.zeros_like(p)).mul_(group["momentum"]).add_(g)
        p.sub_(g, alpha=group["lr"])


class NeverSets(Waits):
    def acts(self, group, state):
        return False


class OfLarge(Waits):
    """Gradient descent; momentum is for weights of at least min_numel entries."""

    def __init__(self, params, lr=0.1, momentum=0.9, min_numel=1000):
        PerParameter.__init__(self, params, lr=lr, momentum=momentum, min_numel=min_numel)

    def update(self, p, g, state, group):
        if p.numel() >= group["min_numel"]:
            g = state.setdefault("m", torch.zeros_like(p)).mul_(group["momentum"]).add_(g)
        p.sub_(g, alpha=group["lr"])


def test_an_option_that_waits_for_another_one_is_used():
    assert judged(Waits, "api.options")[0] == "conforms"
    assert judged(OfLarge, "api.options")[0] == "conforms"
    assert judged(NeverSets, "api.options")[0] == "limit"


class Drifts(PerParameter, lr=0.1):
    """Gradient descent that pulls all weights half the way to where they were."""

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self.calls = getattr(self, "calls", 0) + 1
        for group in self.param_groups:
            for p in group["params"]:
                slow = self.state[p].setdefault("slow", p.clone())
                if p.grad is not None:
                    p.sub_(p.grad, alpha=group["lr"])
                if self.calls % 5 == 0:
                    p.copy_(slow.lerp_(p, 0.5))
        return loss


class LooksBack(Drifts):
    """Gradient descent with Lookahead: every fifth step all weights go half the way back."""


def test_slow_weights_that_are_told_of_move_what_has_no_gradient():
    assert judged(LooksBack, "api.missing")[0] == "documented variant"
    assert judged(Drifts, "api.missing")[0] == "limit"


def grouped(named_parameters, lr=1e-3, weight_decay=0.1):
    """AdamW without decay for vectors, which have a group of their own."""
    params = [p for _, p in named_parameters]
    matrices, others = ([p for p in params if (p.ndim >= 2) is wide] for wide in (True, False))
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=lr)


def test_a_function_that_makes_groups_is_not_accused():
    spec = OptimizerSpec("grouped", grouped, needs={"named"}, claims={"adamw"})
    report = check_optimizer(spec, on_fail=None, checks=["api.add-group", "api.graph"])
    assert [r.message for r in report.findings] == []
