"""Optimizers whose steps are in proportion to the loss: what moves them is a loss that is not 0."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.subject import Subject


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


class RunsBackward(torch.optim.Optimizer):
    """SGD with momentum; the closure only returns the loss, and step() runs backward itself."""

    def __init__(self, params, lr=0.1, momentum=0.9):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def step(self, closure):
        """Take one step; return the loss."""
        self.zero_grad()
        with torch.enable_grad():
            loss = closure()
            loss.backward()
        with torch.no_grad():
            for group in self.param_groups:
                for p in (p for p in group["params"] if p.grad is not None):
                    self.move(p, self.state[p], group)
        return loss

    def move(self, p, state, group):
        """Move one parameter."""
        last = state.get("momentum", torch.zeros_like(p))
        state["momentum"] = group["momentum"] * last + p.grad
        p.sub_(group["lr"] * state["momentum"])


class RunsBackwardWithSigns(RunsBackward):
    """It moves by signs."""

    def move(self, p, state, group):
        """Move one parameter."""
        p.grad.sign_()
        super().move(p, state, group)


def findings(kind, *claims):
    spec = OptimizerSpec("s", kind, claims=set(claims))
    report = check_optimizer(spec, on_fail=None, checks=["api", "def", "inv"])
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


def test_a_step_that_runs_backward_itself_is_driven_so_and_told_once():
    assert findings(RunsBackward, "momentum").keys() == {"api.closure"}


def test_another_method_that_runs_backward_itself_is_accused_with_a_program():
    found = findings(RunsBackwardWithSigns, "momentum")
    assert found["def.trajectory"].snippet, found


@pytest.mark.parametrize(
    ("kind", "guessed"),
    [(RunsBackward, True), (Polyak, False), (torch.optim.LBFGS, False), (torch.optim.SGD, False)],
)
def test_who_runs_the_backward_pass_is_seen(kind, guessed):
    assert ("own_backward" in Subject(OptimizerSpec("s", kind)).needs) == guessed
