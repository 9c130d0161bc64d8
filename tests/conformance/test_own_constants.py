"""Constants under no name that is known here are no fault, and excuse none."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance.reported.per_parameter import PerParameter


class FixedAdamW(PerParameter, lr=1e-3, lam=0.02):
    """AdamW with betas of 0.85 and 0.98, which are no options; lam is the weight decay."""

    corrects = True

    def update(self, p, g, s, o):
        s["t"] = s.get("t", 0) + 1
        m = s.setdefault("m", torch.zeros_like(p)).lerp_(g, 0.15)
        v = s.setdefault("v", torch.zeros_like(p)).lerp_(g * g, 0.02)
        one, two = (1 - 0.85 ** s["t"], 1 - 0.98 ** s["t"]) if self.corrects else (1.0, 1.0)
        p *= 1 - o["lr"] * o["lam"]
        p -= o["lr"] * (m / one) / ((v / two).sqrt() + 1e-8)


class Uncorrected(FixedAdamW):
    """AdamW with betas of 0.85 and 0.98."""

    corrects = False


class OtherNames(PerParameter, lr=1e-3, rho1=0.8, rho2=0.99, eps=1e-8):
    """Adam; rho1 and rho2 are the decay rates of its moments."""

    second = "rho2"

    def update(self, p, g, s, o):
        s["t"] = s.get("t", 0) + 1
        m = s.setdefault("m", torch.zeros_like(p)).lerp_(g, 1 - o["rho1"])
        v = s.setdefault("v", torch.zeros_like(p)).lerp_(g * g, 1 - o[self.second])
        first = m / (1 - o["rho1"] ** s["t"])
        p -= o["lr"] * first / ((v / (1 - o["rho2"] ** s["t"])).sqrt() + o["eps"])


class OneForTheOther(OtherNames):
    """Adam; rho1 and rho2 are the decay rates of its moments."""

    second = "rho1"


class InCode(PerParameter, lr=0.01):
    """SGD with momentum."""

    def update(self, p, g, s, o):
        p -= o["lr"] * s.setdefault("b", torch.zeros_like(p)).mul_(0.95).add_(g)


class OldBuffer(PerParameter, lr=0.01):
    """SGD with momentum."""

    def update(self, p, g, s, o):
        b = s.setdefault("b", torch.zeros_like(p))
        p -= o["lr"] * b
        b.mul_(0.95).add_(g)


@pytest.mark.parametrize(
    ("made", "claim", "outcome"),
    [
        (FixedAdamW, "adamw", Outcome.CONVENTION),
        (Uncorrected, "adamw", Outcome.DEVIATES),
        (OtherNames, "adam", Outcome.CONVENTION),
        (OneForTheOther, "adam", Outcome.DEVIATES),
        (InCode, "momentum", Outcome.CONVENTION),
        (OldBuffer, "momentum", Outcome.DEVIATES),
    ],
)
def test_a_constant_of_its_own_is_named(made, claim, outcome):
    spec = OptimizerSpec("own", made, claims={claim})
    report = check_optimizer(spec, on_fail=None, checks=["def.trajectory"], quick=True)
    assert report.outcome("def.trajectory") is outcome, report.text()
    if outcome is Outcome.CONVENTION:
        assert "by no option known here" in report.text()
