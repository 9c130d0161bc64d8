"""Yogi, AdaBound and AMSBound: the usual conventions, and faults that their references name."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter, moments


class Yogi(PerParameter, lr=1e-2, betas=(0.9, 0.999), eps=1e-3, initial_accumulator=1e-6):
    """As torch-optimizer has it: both moments start at a constant, both are corrected."""

    def update(self, p, g, state, group):
        b1, b2 = group["betas"]
        t = state["t"] = state.get("t", 0) + 1
        start = torch.full_like(p, group["initial_accumulator"])
        m = state.setdefault("m", start.clone()).lerp_(g, 1 - b1)
        v = state.setdefault("v", start.clone())
        v.add_(self.change(v, g * g), alpha=1 - b2)
        under = (v / (1 - b2**t)).sqrt() + group["eps"]
        p.addcdiv_(m, under, value=-group["lr"] / (1 - b1**t))

    def change(self, v, square):
        return (square - v).sign() * square


class SquaresTwice(Yogi):
    def change(self, v, square):
        return (super().change(v, square)) ** 2 - v


class IsAdam(Yogi):
    def change(self, v, square):
        return square - v


class AdaBound(
    PerParameter, lr=1e-3, betas=(0.9, 0.999), final_lr=0.1, gamma=1e-3, eps=1e-8, amsbound=False
):
    """As its authors' code; the final rate follows a schedule of lr."""

    def update(self, p, g, state, group):
        m, v, t = moments(p, g, state, group)
        b1, b2 = group["betas"]
        first = state.setdefault("lr", group["lr"])
        if group["amsbound"]:
            v = state["top"] = torch.maximum(state.get("top", 0 * v), v)
        low, high = self.bounds(group["gamma"], t)
        final = group["final_lr"] * self.share(group["lr"], first)
        size = group["lr"] * (1 - b2**t) ** 0.5 / (1 - b1**t)
        p.sub_((size / (v.sqrt() + group["eps"])).clamp(final * low, final * high) * m)

    def bounds(self, gamma, t):
        return 1 - 1 / (gamma * t + 1), 1 + 1 / (gamma * t)

    def share(self, lr, first):
        return lr / first


class WithoutSchedule(AdaBound):
    """The final rate stays."""

    def share(self, lr, first):
        return 1.0


class NeverCloses(AdaBound):
    def bounds(self, gamma, t):
        return super().bounds(gamma, 1)


class FromAboveAlone(AdaBound):
    def bounds(self, gamma, t):
        return 0.0, 1 + 1 / (gamma * t)


class AmsBound(AdaBound, amsbound=True):
    pass


def judged(kind, claim):
    spec = OptimizerSpec(kind.__name__, kind, claims={claim})
    report = check_optimizer(spec, on_fail=None, quick=True, checks=["def.trajectory"])
    return str(report.outcome("def.trajectory")), report.results[0]


def test_yogi_of_libraries_is_a_convention():
    outcome, answer = judged(Yogi, "yogi")
    assert outcome == "conforms up to a convention"
    assert answer.convention == {
        "bias correction": "both",
        "starts at the constant": "both moments",
    }


@pytest.mark.parametrize(
    ("kind", "claim", "convention"),
    [
        (AdaBound, "adabound", {}),
        (AmsBound, "amsbound", {}),
        (WithoutSchedule, "adabound", {"final rate": "whatever lr is"}),
    ],
)
def test_adabound_of_its_authors_conforms(kind, claim, convention):
    outcome, answer = judged(kind, claim)
    assert outcome == ("conforms up to a convention" if convention else "conforms")
    assert answer.convention == convention


@pytest.mark.parametrize(
    ("kind", "claim", "words"),
    [
        (SquaresTwice, "yogi", "its signed square is squared once more"),
        (IsAdam, "yogi", "an average, as in Adam"),
        (NeverCloses, "adabound", "stay where gamma puts them in the first step"),
        (FromAboveAlone, "adabound", "are used from above alone"),
    ],
)
def test_a_fault_is_named(kind, claim, words):
    outcome, answer = judged(kind, claim)
    assert outcome == "deviates"
    assert words in answer.message
