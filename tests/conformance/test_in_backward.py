"""Optimizers that step inside the backward pass are driven by one."""

import torch

from lpfl import check_optimizer
from lpfl.conformance.outcomes import Outcome

ACCUSES = {Outcome.LIMIT, Outcome.DEVIATES}


class InBackward(torch.optim.Optimizer):
    """Descends as soon as a gradient is there, and lets it go; step() has nothing left to do."""

    def __init__(self, params, lr=0.05):
        super().__init__(params, {"lr": lr})
        for group in self.param_groups:
            for p in group["params"]:
                p.register_post_accumulate_grad_hook(self.move)

    @torch.no_grad()
    def move(self, p):
        for group in self.param_groups:
            if any(q is p for q in group["params"]):
                p -= group["lr"] * p.grad
        p.grad = None

    def step(self, closure=None):
        return None if closure is None else closure()


class Uphill(InBackward):
    def __init__(self, params, lr=0.05):
        super().__init__(params, lr=-lr)


def judged(kind):
    return check_optimizer(kind, on_fail=None, checks=["api", "def"], quick=True)


def test_hooks_on_the_parameters_are_guessed_and_driven():
    report = judged(InBackward)
    assert "in_backward" in report.guessed
    accused = [(r.check, r.message) for r in report.results if r.outcome in ACCUSES]
    assert [check for check, _ in accused] == ["api.add-group"], accused


def test_a_wrong_one_is_found():
    assert judged(Uphill).outcome("def.descent") is Outcome.DEVIATES
