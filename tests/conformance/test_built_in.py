"""RMSprop that is always centered: a variant where it says so, another method where it does not."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter


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
