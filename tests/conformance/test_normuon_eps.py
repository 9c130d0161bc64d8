"""Where NorMuon's eps stands; a reading in bfloat16 is none of a rule in float64."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter
from tests.conformance.test_stated_limits import orthogonal


class NorMuon(PerParameter, lr=0.02, momentum=0.95, beta2=0.95, eps=1e-8):
    """NorMuon for matrices; vectors and numbers step along their momentum."""

    def update(self, p, g, state, group):
        mean = group["momentum"] * state.get("m", torch.zeros_like(g))
        state["m"] = mean + (1 - group["momentum"]) * g
        seen = group["momentum"] * state["m"] + (1 - group["momentum"]) * g
        if g.ndim < 2:
            p -= group["lr"] * seen
            return
        step = orthogonal(seen.reshape(len(g), -1), 5)
        square = step.square().mean(1, keepdim=True)
        state["v"] = group["beta2"] * state.get("v", 0.0) + (1 - group["beta2"]) * square
        scaled = step / (state["v"].sqrt() + group["eps"])
        scaled = scaled * self.restored(step, scaled, group["eps"])
        factor = max(1, step.shape[0] / step.shape[1]) ** 0.5
        p -= group["lr"] * factor * scaled.reshape(p.shape)

    def restored(self, step, scaled, eps):
        return step.norm() / (scaled.norm() + eps)


class ByTheRoot(NorMuon):
    """The norm is brought back by its root."""

    def restored(self, step, scaled, eps):
        return (step.norm() / (scaled.norm() + eps)).sqrt()


@pytest.mark.parametrize(("kind", "outcome"), [(NorMuon, "variant"), (ByTheRoot, "deviates")])
def test_eps_may_stand_at_the_norm_too(kind, outcome):
    spec = OptimizerSpec("normuon", kind, claims=frozenset({"normuon"}))
    report = check_optimizer(spec, on_fail=None, quick=True, checks=["def.trajectory"])
    (result,) = report.results
    assert outcome in str(result.outcome)
    assert "bfloat16" not in result.message
