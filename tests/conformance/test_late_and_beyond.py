"""Options that act late, and options beyond a definition that are no numbers of a group."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments
from tests.conformance.twin_answers import judged


class LateMomentum(PerParameter, lr=0.05, momentum=0.9):
    """Gradient descent; momentum: from step 30 on."""

    begins = 30

    def update(self, p, g, state, group):
        t = state["t"] = state.get("t", 0) + 1
        speed = state.setdefault("speed", torch.zeros_like(p)).mul_(self.weight(t, group)).add_(g)
        p -= group["lr"] * speed

    def weight(self, t, group):
        return group["momentum"] if t >= self.begins else 0.0


class NeverMomentum(LateMomentum):
    def weight(self, t, group):
        return 0.0


class AdamW(PerParameter, lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, self.seen(g), state, group), group)
        p *= 1 - group["lr"] * self.decay(state["t"], group)
        p -= group["lr"] * m / (v.sqrt() + group["eps"])

    def seen(self, g):
        return g

    def decay(self, t, group):
        return group["weight_decay"]


class LateDecay(AdamW, decay_start=20):
    """AdamW whose decay begins at step decay_start."""

    def __init__(self, params, lr=0.01, weight_decay=0.01, decay_start=20):
        super().__init__(params, lr=lr, weight_decay=weight_decay, decay_start=decay_start)

    def decay(self, t, group):
        return group["weight_decay"] if t >= group["decay_start"] else 0.0


class NoDecay(LateDecay):
    def decay(self, t, group):
        return 0.0


class BoundsInTuple(AdamW):
    """AdamW; bounds: smallest and largest entry of a gradient, None for none."""

    def __init__(self, params, lr=0.01, weight_decay=0.01, bounds=(-0.1, 0.1)):
        super().__init__(params, lr=lr, weight_decay=weight_decay)
        self.bounds = bounds

    def seen(self, g):
        return g.clamp(*self.bounds) if self.bounds else g


class BoundsAnyway(BoundsInTuple):
    def seen(self, g):
        return g.clamp(-0.1, 0.1)


class ScaledByFunction(AdamW):
    """AdamW; shape: a function of each gradient, None for the gradient itself."""

    def __init__(self, params, lr=0.01, weight_decay=0.01, shape=torch.tanh):
        super().__init__(params, lr=lr, weight_decay=weight_decay)
        self.shape = shape

    def seen(self, g):
        return self.shape(g) if self.shape else g


class ByItsBound(AdamW):
    """AdamW; agc: bound of a gradient's norm in units of that of its weights."""

    def __init__(self, params, lr=0.01, weight_decay=0.01, agc=0.01):
        super().__init__(params, lr=lr, weight_decay=weight_decay, agc=agc)

    def update(self, p, g, state, group):
        most = group["agc"] * p.norm().clamp(min=1e-3)
        super().update(p, g * (most / g.norm().clamp(min=1e-30)).clamp(max=1.0), state, group)


class Overshoots(PerParameter, lr=1e-3):
    """The first step is lr over the gradient: long where it is small."""

    def update(self, p, g, state, group):
        b = state.setdefault("b", torch.zeros_like(p)).add_(g * g)
        m = state.setdefault("m", torch.zeros_like(p)).add_(1.0 / b.clamp(min=1e-30))
        p -= group["lr"] * g * m.sqrt() / b.sqrt().clamp(min=1e-12)


def of_adamw(kind):
    spec = OptimizerSpec("adamw", kind, claims=frozenset({"adamw"}))
    return str(check_optimizer(spec, on_fail=None, checks=["def.trajectory"]).results[0].outcome)


def test_an_option_that_acts_late_is_used():
    assert judged(LateMomentum, "api.options")[0] == "conforms"
    assert judged(NeverMomentum, "api.options")[0] != "conforms"


@pytest.mark.parametrize("kind", [LateDecay, BoundsInTuple, ScaledByFunction, ByItsBound])
def test_an_option_beyond_the_definition_is_a_variant(kind):
    assert of_adamw(kind) == "documented variant"


@pytest.mark.parametrize("kind", [NoDecay, BoundsAnyway])
def test_what_no_option_turns_off_is_another_method(kind):
    assert of_adamw(kind) == "deviates"


def test_a_step_that_overshoots_at_large_rates_is_not_uphill():
    assert judged(Overshoots, "def.descent")[0] == "conforms"
