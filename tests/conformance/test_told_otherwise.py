"""What the documentation tells, or another reading explains, beside twins that are wrong."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments


class Momentum(PerParameter, lr=0.1, momentum=0.9):
    def update(self, p, g, state, group):
        b = state.setdefault("b", torch.zeros_like(p)).mul_(group["momentum"]).add_(g)
        p.sub_(b, alpha=group["lr"])


class Pulled(Momentum, rho=0.0):
    """SGD with momentum for consensus; rho pulls towards the first weights."""

    def update(self, p, g, state, group):
        first = state.setdefault("first", p.clone())
        super().update(p, g + group["rho"] * (p - first), state, group)


class Adam(PerParameter, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group), group)
        p.sub_(self.bounded(group["lr"] * m / (v.sqrt() + group["eps"]), group))

    def bounded(self, step, group):
        return step


class WithinRadius(Adam, rho=0.0):
    """Adam, a step cut to the radius rho."""

    def bounded(self, step, group):
        return step * (group["rho"] / step.norm()).clamp(max=1.0) if group["rho"] else step


class Thresholded(Adam, alpha=0.0):
    """Adam, and soft thresholding by alpha after the step."""

    def update(self, p, g, state, group):
        super().update(p, g, state, group)
        p.copy_(p.sign() * (p.abs() - group["lr"] * group["alpha"]).clamp(min=0))


class LargerByRate(Adam, alpha=0.0):
    """Adam, its steps larger by the share alpha."""

    def bounded(self, step, group):
        return step * (1 + group["alpha"] * group["lr"])


class Falling(Momentum):
    length = 100

    def __init__(self, params, lr=0.1, momentum=0.9, gamma=0.0):
        super().__init__(params, lr=lr, momentum=momentum, gamma=gamma)

    def update(self, p, g, state, group):
        t = state["t"] = state.get("t", 0) + 1
        lr = group["lr"] / (1 + group["gamma"]) ** ((t - 1) // self.length)
        super().update(p, g, state, {**group, "lr": lr})


class Staircase(Falling):
    """SGD.

    Args:
        gamma: the rate is divided by 1 + gamma every thousand steps.
    """

    length = 1000


class UntoldStaircase(Falling):
    """SGD.

    Args:
        gamma: the rate is divided by 1 + gamma.
    """


class Unmoved(Momentum):
    def __init__(self, params, lr=0.1, momentum=0.9, decay=0.0):
        super().__init__(params, lr=lr, momentum=momentum, decay=decay, rounds=0)


class ForRounds(Unmoved):
    """SGD.

    Args:
        decay: the rate is lr / (1 + decay * rounds), where new_round() counts them.
    """

    def new_round(self):
        for group in self.param_groups:
            group["rounds"] += 1


class NeverDecays(Unmoved):
    """SGD.

    Args:
        decay: the rate of step() falls by this share after each step.
    """


class Penalized(PerParameter, lr=0.1, momentum=0.0, weight_decay=0.0):
    def update(self, p, g, state, group):
        if g.is_sparse:
            p.add_(g, alpha=-group["lr"])
            return
        g = g + group["weight_decay"] * p
        state["b"] = group["momentum"] * state.get("b", 0 * p) + g
        p.sub_(state["b"], alpha=group["lr"])


class DenseAlone(Penalized):
    """SGD. Momentum and weight decay belong to dense gradients alone."""


class DensePenalty(Penalized):
    """SGD. Weight decay belongs to dense gradients alone."""


class Growing(PerParameter, lr=1e-8):
    def update(self, p, g, state, group):
        t = state["t"] = state.get("t", 0) + 1
        p.sub_(g, alpha=group["lr"] * 1.1**t)


class RangeTest(Growing):
    """SGD for a range test: the loop stops it."""


class GrowsByClosure(PerParameter, lr=0.1):
    def step(self, closure=None):
        loss = super().step(closure)
        for group in self.param_groups if closure else ():
            group["lr"] *= 1.05
        return loss

    def update(self, p, g, state, group):
        p.sub_(g, alpha=group["lr"])


class BoldDriver(GrowsByClosure):
    """The rate grows while the loss falls. Without a closure the loss is not known."""


class AdamWMasked(PerParameter, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    """C-AdamW (Liang et al. 2024)."""

    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group), group)
        mask = (m * g > 0).to(g.dtype)
        p.mul_(1 - group["lr"] * group["weight_decay"])
        mask = mask / mask.mean().clamp(min=1e-3)
        p.sub_(mask * m / (v.sqrt() + group["eps"]), alpha=group["lr"])


def judged(kind, check, *claims):
    spec = OptimizerSpec(kind.__name__, kind, claims=frozenset(claims))
    report = check_optimizer(spec, on_fail=None, quick=True, checks=[check])
    return str(report.outcome(check)), " ".join(a.message for a in report.results)


@pytest.mark.parametrize(
    ("kind", "claim"), [(Pulled, "momentum"), (WithinRadius, "adam"), (Thresholded, "adam")]
)
def test_a_way_that_is_not_halved_is_not_a_rate_that_enters_twice(kind, claim):
    assert judged(kind, "def.trajectory", claim)[0] == "conforms"


def test_a_part_as_the_square_of_the_rate_is():
    outcome, said = judged(LargerByRate, "def.trajectory", "adam")
    assert outcome == "deviates"
    assert "alpha brings the rate in once more" in said


@pytest.mark.parametrize("kind", [Staircase, UntoldStaircase, ForRounds])
def test_an_option_that_acts_later_or_elsewhere_is_not_idle(kind):
    assert judged(kind, "api.options", "momentum")[0] == "conforms"


def test_an_option_of_each_step_that_does_nothing_is():
    outcome, said = judged(NeverDecays, "api.options", "momentum")
    assert outcome == "limit"
    assert "decay=0.5" in said


def test_what_is_told_to_be_for_dense_gradients_is_a_variant():
    assert judged(DenseAlone, "api.sparse", "momentum")[0] == "documented variant"


@pytest.mark.parametrize(("kind", "words"), [(Penalized, ""), (DensePenalty, "momentum=0.8")])
def test_of_another_option_nothing_is_told(kind, words):
    outcome, said = judged(kind, "api.sparse", "momentum")
    assert outcome == "limit"
    assert words in said


@pytest.mark.parametrize(
    ("check", "told", "untold"),
    [("api.growth", RangeTest, Growing), ("api.closure", BoldDriver, GrowsByClosure)],
)
def test_growth_is_a_variant_where_it_is_told(check, told, untold):
    assert judged(told, check)[0] == "documented variant"
    assert judged(untold, check)[0] == "deviates"


def test_a_mask_may_be_told_by_the_name_of_its_method():
    assert judged(AdamWMasked, "def.trajectory", "adamw")[0] == "documented variant"
