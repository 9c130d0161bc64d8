"""Sharpness-aware minimization: what gradient a step takes, and how the fault is named."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer


class Sam(torch.optim.Optimizer):
    """SAM around SGD with momentum."""

    def __init__(self, params, lr=0.05, rho=0.05):
        super().__init__(params, {"lr": lr, "rho": rho})

    def climb(self, p, norm, group):
        return group["rho"] * p.grad / norm

    def taken(self, first, second):
        return second

    def first_gradients(self, closure):
        return closure()

    @torch.no_grad()
    def step(self, closure):
        closure = torch.enable_grad()(closure)
        loss = self.first_gradients(closure)
        held = [(p, g) for g in self.param_groups for p in g["params"]]
        norm = self.norm([p for p, _ in held])
        kept = [(p, g, p.clone(), p.grad.clone()) for p, g in held]
        for p, group in held:
            p += self.climb(p, norm, group)
        second = closure()
        for p, group, old, first in kept:
            p.copy_(old)
            speed = self.state[p].setdefault("speed", torch.zeros_like(p))
            p -= group["lr"] * speed.mul_(0.9).add_(self.taken(first, p.grad))
        return second if loss is None else loss

    def norm(self, params):
        return torch.stack([p.grad.norm() for p in params]).norm() + 1e-12


class AfterBackward(Sam):
    """SAM."""

    def first_gradients(self, closure):
        return None


class EachItsOwn(Sam):
    def climb(self, p, norm, group):
        return group["rho"] * p.grad / (p.grad.norm() + 1e-12)


class Downhill(Sam):
    def climb(self, p, norm, group):
        return -super().climb(p, norm, group)


class NeverClimbs(Sam):
    def climb(self, p, norm, group):
        return 0 * p


class TakesBoth(Sam):
    def taken(self, first, second):
        return first + second


class Undivided(Sam):
    def climb(self, p, norm, group):
        return group["rho"] * p.grad


class HalfWay(Sam):
    def climb(self, p, norm, group):
        return 0.5 * super().climb(p, norm, group)


def judged(kind):
    spec = OptimizerSpec("sam", kind, claims=frozenset({"sam"}), needs=frozenset({"closure"}))
    return check_optimizer(spec, on_fail=None, checks=["def.sam"]).results[0]


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [(Sam, "conforms"), (AfterBackward, "conforms"), (EachItsOwn, "conforms up to a convention")],
)
def test_ways_to_climb(kind, outcome):
    result = judged(kind)
    assert str(result.outcome) == outcome, result.message


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Downhill, "downhill"),
        (NeverClimbs, "never climbs"),
        (TakesBoth, "at the start and at the top together"),
        (Undivided, "not rho long"),
        (HalfWay, "the nearest reading is"),
    ],
)
def test_a_wrong_climb_is_named_and_shown(kind, words):
    result = judged(kind)
    assert (str(result.outcome), words in result.message) == ("deviates", True), result.message
    assert result.snippet.rstrip().rpartition("\n")[2].startswith("# prints:")


def test_without_a_length_of_the_climb_it_is_not_judged():
    result = judged(lambda params, lr=0.1: torch.optim.SGD(params, lr=lr))
    assert str(result.outcome) == "inconclusive"
