"""Losses with curvature: their value turns round too, and left-over gradients are none."""

import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.test_sharpness import Sam


class Uphill(torch.optim.LBFGS):
    """L-BFGS with maximize: gradients and values turn round."""

    def __init__(self, params, lr=1.0, max_iter=1, line_search_fn=None, maximize=False):
        super().__init__(params, lr=lr, max_iter=max_iter, line_search_fn=line_search_fn)
        for group in self.param_groups:
            group.setdefault("maximize", maximize)

    def _gather_flat_grad(self):
        g = super()._gather_flat_grad()
        return -g if self.param_groups[0]["maximize"] else g

    def turned(self, value):
        return -value if self.param_groups[0]["maximize"] else value

    def step(self, closure):
        return self.turned(super().step(lambda: self.turned(closure())))


class SearchesDownhill(Uphill):
    """The line search sees the value as it is."""

    def turned(self, value):
        return value


class TakesWhatIsThere(Sam):
    """SAM."""

    def first_gradients(self, closure):
        there = all(p.grad is not None for group in self.param_groups for p in group["params"])
        return None if there else closure()


class SaysBefore(TakesWhatIsThere):
    """SAM. Call backward() on the loss before step(closure)."""


def judged(kind, check):
    spec = OptimizerSpec("s", kind, needs=frozenset({"closure"}))
    result = check_optimizer(spec, on_fail=None, checks=[check])
    return str(result.outcome(check)), " ".join(r.message for r in result.results)


def test_maximize_turns_the_value_of_the_loss_too():
    assert judged(Uphill, "api.maximize")[0] == "conforms"
    outcome, said = judged(SearchesDownhill, "api.maximize")
    assert (outcome, "line_search_fn=strong_wolfe" in said) == ("deviates", True), said


def test_gradients_that_lie_there_are_not_the_closures():
    assert judged(Sam, "api.closure")[0] == "conforms"
    assert judged(SaysBefore, "api.closure")[0] == "conforms"
    outcome, said = judged(TakesWhatIsThere, "api.closure")
    assert (outcome, "beside gradients of other losses" in said) == ("limit", True), said
