"""What an optimizer has built in: a variant where it says so, another method where it does not."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments


def adam_step(p, g, state, group):
    m, v = corrected(*moments(p, g, state, group), group)
    return m / (v.sqrt() + group["eps"])


class Silent(PerParameter, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    def update(self, p, g, state, group):
        a = group["alpha"]
        g = g + group["weight_decay"] * p
        state["v"] = a * state.get("v", torch.zeros_like(p)) + (1 - a) * g * g
        state["m"] = a * state.get("m", torch.zeros_like(p)) + (1 - a) * g
        p -= group["lr"] * g / (self.spread(state).clamp(min=0).sqrt() + group["eps"])

    def spread(self, state):
        return state["v"] - state["m"] ** 2


class Centered(Silent):
    """RMSprop in the centered form of Graves (2013)."""


class HalfCentered(Centered):
    """RMSprop in the centered form of Graves (2013)."""

    def spread(self, state):
        return state["v"] - 0.5 * state["m"] ** 2


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [(Centered, "documented variant"), (Silent, "deviates"), (HalfCentered, "deviates")],
)
def test_a_switch_may_be_on_for_good_where_it_is_said(kind, outcome):
    spec = OptimizerSpec("rmsprop", kind, claims=frozenset({"rmsprop"}))
    report = check_optimizer(spec, on_fail=None, quick=True, checks=["def.trajectory"])
    (result,) = report.results
    assert str(result.outcome) == outcome
    assert outcome == "deviates" or "rmsprop's, centered" in result.message


class Adam(PerParameter, lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    """AdamW whose decay falls where it will."""

    def update(self, p, g, state, group):
        move = group["lr"] * adam_step(p, g, state, group)
        decay = group["lr"] * group["weight_decay"] * p
        p -= move + decay * self.decays(move, p)

    def decays(self, move, p):
        return move * p >= 0


class CautiousDecay(Adam):
    """AdamW with cautious weight decay (Chen et al. 2025)."""


class OfMovingEntries(CautiousDecay):
    """AdamW with cautious weight decay: where step and weight have the same sign."""

    def decays(self, move, p):
        return move * p > 0


class AwayFromZero(CautiousDecay):
    """AdamW with cautious weight decay (Chen et al. 2025)."""

    def decays(self, move, p):
        return move * p <= 0


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (CautiousDecay, "documented variant"),
        (OfMovingEntries, "documented variant"),
        (Adam, "deviates"),
        (AwayFromZero, "deviates"),
    ],
)
def test_cautious_decay_is_a_variant_where_it_is_said(kind, outcome):
    spec = OptimizerSpec("adamw", kind, claims=frozenset({"adamw"}))
    report = check_optimizer(spec, on_fail=None, quick=True, checks=["def.trajectory"])
    (result,) = report.results
    assert str(result.outcome) == outcome, result.message
    assert outcome == "deviates" or "adamw's, cautious decay" in result.message
