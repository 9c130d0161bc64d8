"""Options beyond the definition, on by default, whose effect no check holds against the method."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.definition.extras import off_values
from tests.conformance.faulty_frame import PerParameter


class Clamped(PerParameter, lr=0.1, bound=1.0):
    """SGD with weights kept between -bound and bound."""

    def update(self, p, g, state, group):
        """Take one step."""
        p.sub_(group["lr"] * g).clamp_(-group["bound"], group["bound"])


class NeverStill(Clamped):
    """Its rate has a floor."""

    def update(self, p, g, state, group):
        """Take one step at no less than the floor."""
        super().update(p, g, state, {**group, "lr": max(group["lr"], 1e-3)})


class Drifts(Clamped):
    """It moves without a gradient."""

    def update(self, p, g, state, group):
        """Take one step, and a little more."""
        super().update(p, g + 0.1, state, group)


class NotANumber(Clamped):
    """Scales by the size of the gradient where weights are kept in a range."""

    def update(self, p, g, state, group):
        """Take one step."""
        one = g.norm() / g.norm() if group["bound"] < 1e6 else 1.0
        super().update(p, g * one, state, group)


class Noisy(PerParameter, lr=0.01, momentum=0.9, eta=0.3):
    """SGD with momentum and noise of variance eta in the gradient, by the global generator."""

    def update(self, p, g, state, group):
        """Take one step."""
        noise = torch.randn_like(g) * group["eta"] ** 0.5
        m = state["m"] = state.get("m", torch.zeros_like(p)) * group["momentum"] + g + noise
        p.sub_(group["lr"] * m)


class Roots(PerParameter, lr=0.01, momentum=0.9, eta=0.3):
    """Momentum of roots of the gradient's entries, and noise."""

    def update(self, p, g, state, group):
        """Take one step."""
        g = g.sign() * g.abs().sqrt() + torch.randn_like(g) * group["eta"] ** 0.5
        m = state["m"] = state.get("m", torch.zeros_like(p)) * group["momentum"] + g
        p.sub_(group["lr"] * m)


class Ball(PerParameter, lr=0.1, radius=10.0):
    """SGD; every tensor is brought back into the ball of this radius around zero."""

    def update(self, p, g, state, group):
        """Take one step."""
        p.sub_(group["lr"] * g)
        p.mul_((group["radius"] / p.norm().clamp(min=1e-30)).clamp(max=1.0))


def answer(kind, claim, check):
    """Return the outcome of one check of an optimizer with a claim, and what it says."""
    spec = OptimizerSpec("s", kind, claims={claim})
    report = check_optimizer(spec, on_fail=None, checks=[check])
    return str(report.outcome(check)), " ".join(r.message for r in report.results)


@pytest.mark.parametrize(
    ("kind", "claim", "check"),
    [
        (Clamped, "sgd", "api.lr-zero"),
        (Clamped, "sgd", "api.zero"),
        (Clamped, "sgd", "def.trajectory"),
        (Noisy, "momentum", "def.scale"),
        (Ball, "sgd", "def.trajectory"),
    ],
)
def test_what_an_option_beyond_the_definition_does_is_a_variant(kind, claim, check):
    outcome, said = answer(kind, claim, check)
    assert (outcome, "beyond the definition" in said) == ("documented variant", True), said


@pytest.mark.parametrize(
    ("kind", "claim", "check"),
    [
        (NeverStill, "sgd", "api.lr-zero"),
        (Drifts, "sgd", "api.zero"),
        (NotANumber, "sgd", "api.zero"),
        (Roots, "momentum", "def.scale"),
    ],
)
def test_what_stays_without_the_option_is_found(kind, claim, check):
    outcome, said = answer(kind, claim, check)
    assert outcome in ("deviates", "limit"), said


@pytest.mark.parametrize("name", ["radius", "ball", "l2_ball", "value_range"])
def test_the_size_of_a_region_is_off_where_it_is_never_met(name):
    assert off_values(name, 10.0)[0] == 1e12


def test_the_momentum_of_a_heavy_ball_is_no_size():
    assert off_values("heavyball", 0.9)[0] == 0.0
