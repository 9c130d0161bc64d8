"""Adafactor's relative step: right ones by any constructor, and rules that are not its."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome


class Adafactor(torch.optim.Optimizer):
    """Second moments as an outer product; lr is not used where steps are relative."""

    def __init__(
        self, params, lr=None, relative_step=True, warmup_init=False, scale_parameter=True
    ):
        if lr is not None and relative_step:
            raise ValueError("either lr or relative_step")
        options = {"lr": lr, "relative_step": relative_step, "warmup_init": warmup_init}
        super().__init__(params, {**options, "scale_parameter": scale_parameter})

    def bound(self, t, group):
        return 1e-6 * t if group["warmup_init"] else 1e-2

    def rho(self, t, group):
        return min(self.bound(t, group), t**-0.5) if group["relative_step"] else group["lr"]

    def scale(self, p, group):
        return max(1e-3, float(p.square().mean().sqrt())) if group["scale_parameter"] else 1.0

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in (p for p in group["params"] if p.grad is not None):
                state, square = self.state[p], p.grad**2 + 1e-30
                state["step"] = t = state.get("step", 0) + 1
                kept = 1 - t**-0.8
                means = [square.mean(-1, True), square.mean(-2, True)] if p.ndim > 1 else [square]
                for i, new in enumerate(means):
                    state[i] = kept * state.get(i, 0 * new) + (1 - kept) * new
                v = state[0]
                if p.ndim > 1:
                    v = state[0] / state[0].mean(-2, True) * state[1]
                u = p.grad / v.sqrt()
                u /= max(1.0, float(u.square().mean().sqrt()))
                p -= self.rho(t, group) * self.scale(p, group) * u


class ByRate(Adafactor):
    """A rate of None stands for relative steps, there is no other switch."""

    def __init__(self, params, lr=None, warmup_init=False, scale_parameter=True):
        super().__init__(params, lr, lr is None, warmup_init, scale_parameter)


class CountsFromZero(Adafactor):
    def bound(self, t, group):
        return super().bound(t - 1, group)


class NeverFalls(Adafactor):
    """The bound alone."""

    def rho(self, t, group):
        return self.bound(t, group) if group["relative_step"] else group["lr"]


class NoBound(Adafactor):
    def bound(self, t, group):
        return 1.0


class Largest(Adafactor):
    def rho(self, t, group):
        return max(self.bound(t, group), t**-0.5) if group["relative_step"] else group["lr"]


class NoWarmUp(Adafactor):
    """The switch of the warm-up does nothing."""

    def bound(self, t, group):
        return 1e-2


class NoScale(Adafactor):
    """The switch of the scale does nothing while steps are relative."""

    def scale(self, p, group):
        return 1.0 if group["relative_step"] else super().scale(p, group)


class NoLeast(Adafactor):
    def scale(self, p, group):
        on = group["relative_step"] and group["scale_parameter"]
        return float(p.square().mean().sqrt()) if on else super().scale(p, group)


class Halved(Adafactor):
    def rho(self, t, group):
        return super().rho(t, group) / (2 if group["relative_step"] else 1)


class AlwaysScaled(Adafactor):
    """Every step is times the size of the weights, there is no switch of it."""

    def __init__(self, params, lr=0.01, relative_step=False, warmup_init=False):
        super().__init__(params, None if relative_step else lr, relative_step, warmup_init)


class AlwaysScaledLargest(AlwaysScaled):
    rho = Largest.rho


@pytest.mark.parametrize(
    ("kind", "outcome", "words"),
    [
        (Adafactor, Outcome.CONFORMS, ""),
        (ByRate, Outcome.CONFORMS, ""),
        (CountsFromZero, Outcome.CONVENTION, "min(1e-6 (t - 1), 1/sqrt(t))"),
        (NeverFalls, Outcome.DEVIATES, "0.01, never less"),
        (NoBound, Outcome.DEVIATES, "1/sqrt(t), without a bound"),
        (Largest, Outcome.DEVIATES, "max(0.01, 1/sqrt(t))"),
        (NoWarmUp, Outcome.DEVIATES, "relative size min(0.01, 1/sqrt(t)) times"),
        (NoScale, Outcome.DEVIATES, "times 1, not"),
        (NoLeast, Outcome.DEVIATES, "rms of the weights, without a least"),
        (AlwaysScaled, Outcome.CONFORMS, ""),
        (AlwaysScaledLargest, Outcome.DEVIATES, "max(0.01, 1/sqrt(t))"),
        (Halved, Outcome.DEVIATES, "step 1 is 0.5 of the definition's"),
    ],
)
def test_the_relative_step_is_judged_beside_the_rest(kind, outcome, words):
    spec = OptimizerSpec(kind.__name__, kind, claims={"adafactor"})
    report = check_optimizer(spec, checks=["def.trajectory"], on_fail=None, quick=True)
    _, relative = report.results
    assert relative.outcome is outcome, relative.message
    assert words in relative.message
    assert bool(relative.snippet) == (outcome is Outcome.DEVIATES), relative.details


def test_an_adafactor_without_relative_steps_is_not_asked():
    spec = OptimizerSpec("torch", torch.optim.Adafactor, claims={"adafactor"})
    (result,) = check_optimizer(spec, checks=["def.trajectory"], on_fail=None).results
    assert result.outcome is Outcome.CONVENTION
