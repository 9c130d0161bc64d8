"""Optimizers whose steps are in proportion to the loss: what moves them is a loss that is not 0."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer


class Polyak(torch.optim.Optimizer):
    """SGD with the step of Polyak, loss / (c |g|^2), at most lr; step needs a closure."""

    def __init__(self, params, lr=1.0, c=0.5):
        super().__init__(params, {"lr": lr, "c": c})

    def moved(self):
        """Return group and parameter of each parameter that has a gradient."""
        every = [(group, p) for group in self.param_groups for p in group["params"]]
        return [(group, p) for group, p in every if p.grad is not None]

    @torch.no_grad()
    def step(self, closure):
        """Take one step; return the loss."""
        with torch.enable_grad():
            loss = closure()
        moved = self.moved()
        size = sum(float(p.grad.double().square().sum()) for _, p in moved)
        for group, p in moved:
            rate = min(max(float(loss), 0.0) / (group["c"] * size + 1e-30), group["lr"])
            p.sub_(rate * p.grad)
        return loss


class FirstGroupAlone(Polyak):
    """Only the group that it was built with is moved."""

    def moved(self):
        """Return group and parameter of each parameter of the first group."""
        return [(g, p) for g, p in super().moved() if g is self.param_groups[0]]


class NotInDouble(Polyak):
    """Weights in float64 stand still."""

    def moved(self):
        """Return group and parameter of those in fewer bits."""
        return [(g, p) for g, p in super().moved() if p.dtype != torch.float64]


def findings(kind):
    report = check_optimizer(OptimizerSpec("s", kind), on_fail=None, checks=["api", "def"])
    accused = [r for r in report.results if str(r.outcome) in ("deviates", "limit")]
    return {r.check: r for r in accused}


def test_a_step_by_the_value_of_the_loss_is_not_accused():
    assert findings(Polyak) == {}


@pytest.mark.parametrize(
    ("kind", "check"), [(FirstGroupAlone, "api.add-group"), (NotInDouble, "api.dtypes")]
)
def test_one_that_stands_still_is_accused_with_a_program(kind, check):
    found = findings(kind)
    assert check in found, found
    assert found[check].snippet, found[check].details
