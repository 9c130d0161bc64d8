"""Two options at once: a switch lost beside another, a rate that enters twice with momentum."""

import math

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter


class AdaBelief(PerParameter):
    """``amsgrad`` keeps the largest variance, ``rectify`` weighs steps as RAdam does."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, amsgrad=False, rectify=False):
        super().__init__(params, lr=lr, betas=betas, eps=eps, amsgrad=amsgrad, rectify=rectify)

    def update(self, p, g, state, group):
        b1, b2 = group["betas"]
        t = state["t"] = state.get("t", 0) + 1
        m = state.setdefault("m", torch.zeros_like(p)).lerp_(g, 1 - b1)
        v = state.setdefault("v", torch.zeros_like(p)).lerp_((g - m) ** 2, 1 - b2)
        v.add_(group["eps"])
        if group["amsgrad"]:
            top = state["top"] = torch.maximum(state.get("top", 0 * v), v)
        else:
            top = v
        length = 2 / (1 - b2) - 1
        rho = length - 2 * t * b2**t / (1 - b2**t)
        factor = 1.0
        if group["rectify"]:
            top = self.rectified(top, v)
            factor = rho > 5 and math.sqrt(
                (rho - 4) * (rho - 2) * length / ((length - 4) * (length - 2) * rho)
            )
        if not factor:
            p.sub_(m, alpha=group["lr"] / (1 - b1**t))
            return
        under = (top / (1 - b2**t)).sqrt() + group["eps"]
        p.addcdiv_(m, under, value=-factor * group["lr"] / (1 - b1**t))

    def rectified(self, largest, now):
        return largest


class AmsgradLost(AdaBelief):
    def rectified(self, largest, now):
        return now


class Adadelta(PerParameter, lr=0.5, rho=0.9, eps=1e-6, momentum=0.0):
    """With a momentum of its steps, which the paper does not have."""

    def update(self, p, g, state, group):
        v = state.setdefault("v", torch.zeros_like(p)).lerp_(g * g, 1 - group["rho"])
        d = state.setdefault("d", torch.zeros_like(p))
        unit = ((d + group["eps"]) / (v + group["eps"])).sqrt() * g
        d.lerp_(unit * unit, 1 - group["rho"])
        past = state.get("b", 0 * p)
        state["b"] = group["lr"] * unit + group["momentum"] * self.again(group) * past
        p.sub_(state["b"])

    def again(self, group):
        return 1.0


class AdadeltaTimesRateAgain(Adadelta):
    def again(self, group):
        return group["lr"]


class SaysThatItIsTimesRate(AdadeltaTimesRateAgain):
    """Adadelta with momentum.

    Args:
        momentum: factor of the last step, times
            the learning rate
        rho: of both averages
    """


class Momentum(PerParameter, lr=0.01, momentum=0.9):
    def update(self, p, g, state, group):
        b = state.setdefault("b", torch.zeros_like(p)).mul_(group["momentum"]).add_(g)
        p.sub_(b, alpha=group["lr"])


class RateInTheBuffer(PerParameter, lr=0.01, momentum=0.9):
    """Momentum of lr * gradient: SGD with momentum only while lr stays."""

    def update(self, p, g, state, group):
        b = state.setdefault("b", torch.zeros_like(p)).mul_(group["momentum"])
        p.sub_(b.add_(g, alpha=group["lr"]))


def judged(kind, claim, check="def.trajectory"):
    spec = OptimizerSpec(kind.__name__, kind, claims={claim})
    report = check_optimizer(spec, on_fail=None, quick=True, checks=[check])
    return str(report.outcome(check)), " ".join(a.message for a in report.results)


def test_two_switches_that_both_act_are_not_accused():
    assert judged(AdaBelief, "adabelief")[0] == "conforms up to a convention"


def test_a_switch_that_is_lost_beside_another_is_named():
    outcome, said = judged(AmsgradLost, "adabelief")
    assert outcome == "limit"
    assert "amsgrad is taken and changes nothing (" in said
    assert "rectify = True" in said


def test_a_momentum_beyond_the_definition_may_act_on_steps():
    assert judged(Adadelta, "adadelta")[0] == "conforms"


def test_a_rate_that_enters_twice_with_an_option_is_accused():
    outcome, said = judged(AdadeltaTimesRateAgain, "adadelta")
    assert outcome == "deviates"
    assert "momentum brings the rate in once more" in said


def test_a_rate_that_enters_twice_as_the_documentation_says_is_not():
    assert judged(SaysThatItIsTimesRate, "adadelta")[0] == "conforms"


@pytest.mark.parametrize(
    ("kind", "words"),
    [(Momentum, "lr = 0.01."), (RateInTheBuffer, "lr = 0.01 as long as lr stays the same.")],
)
def test_exactly_sgd_means_at_every_rate(kind, words):
    outcome, said = judged(kind, "momentum", "def.degenerates")
    assert outcome == "conforms"
    assert said == f"The run with default options is exactly SGD with momentum with {words}"
