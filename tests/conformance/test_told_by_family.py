"""SAM's family, decay by signs, schedules of AdEMAMix, and what zero_grad() is told to keep."""

import math

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.faulty_scheduled import Heavy, LeavesFrozenOut
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments
from tests.conformance.test_sharpness import HalfWay, Sam, TakesBoth, Undivided


class Asam(Sam):
    """Adaptive SAM (Kwon et al. 2021)."""

    def size(self, p):
        return p.abs() + 0.01

    def norm(self, params):
        return torch.stack([(self.size(p) * p.grad).norm() for p in params]).norm() + 1e-12

    def climb(self, p, norm, group):
        return group["rho"] * self.size(p) ** 2 * p.grad / norm


class Usam(Undivided):
    """SAM without the norm (USAM)."""


class MeanOfBoth(TakesBoth):
    """SAM by the mean of the gradients at the start and at the top."""


class Warms(HalfWay):
    """SAM whose rho warms up."""


class Learnable(LeavesFrozenOut):
    """Tensors that are not learnable when it is built are dropped."""


class AddsUntold(Heavy):
    """Gradient descent with momentum."""

    calls = 0

    def zero_grad(self, set_to_none=True):
        self.calls += 1
        if self.calls % 4 == 0:
            super().zero_grad(set_to_none)


class Adds(AddsUntold):
    """zero_grad() keeps what has added up until each fourth call."""


class SignedDecay(PerParameter, lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    """AdamW whose weight decay falls where gradient and weight agree in sign."""

    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group), group)
        decay = group["lr"] * group["weight_decay"] * p * (g * p > 0)
        p -= group["lr"] * m / (v.sqrt() + group["eps"]) + decay


class Mixed(PerParameter, lr=1e-3, betas=(0.9, 0.999, 0.9999), alpha=5.0, eps=1e-8):
    """AdEMAMix as its authors write it: half-lives with a small number in the logarithm."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999, 0.9999), alpha=5.0, t_beta3=None):
        super().__init__(params, lr=lr, betas=betas, alpha=alpha, t_beta3=t_beta3)

    def update(self, p, g, state, group):
        b1, b2, b3 = group["betas"]
        t = state["t"] = state.get("t", 0) + 1
        if group["t_beta3"] and t < group["t_beta3"]:
            half = [math.log(0.5) / math.log(b + 1e-8) - 1 for b in (b1, b3)]
            part = t / group["t_beta3"]
            b3 = 0.5 ** (1 / ((1 - part) * half[0] + part * half[1] + 1))
        means = {}
        for name, value, b in (("m", g, b1), ("v", g * g, b2), ("slow", g, b3)):
            old = state.get(name, torch.zeros_like(g))
            means[name] = state[name] = b * old + (1 - b) * value
        fast, v = means["m"] / (1 - b1**t), means["v"] / (1 - b2**t)
        step = (fast + group["alpha"] * means["slow"]) / (v.sqrt() + group["eps"])
        p -= group["lr"] * step


def outcome(kind, check, claims=(), needs=()):
    spec = OptimizerSpec("s", kind, claims=frozenset(claims), needs=frozenset(needs))
    return str(check_optimizer(spec, on_fail=None, checks=[check]).outcome(check))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Asam, "documented variant"),
        (Usam, "documented variant"),
        (Undivided, "deviates"),
        (MeanOfBoth, "documented variant"),
        (TakesBoth, "deviates"),
        (Warms, "inconclusive"),
        (HalfWay, "deviates"),
    ],
)
def test_other_members_of_the_family_are_told(kind, expected):
    assert outcome(kind, "def.sam", {"sam"}, {"closure"}) == expected


@pytest.mark.parametrize(
    ("kind", "check", "expected"),
    [
        (Learnable, "api.unfrozen", "documented variant"),
        (LeavesFrozenOut, "api.unfrozen", "limit"),
        (AddsUntold, "api.micro-batches", "deviates"),
    ],
)
def test_what_is_told_in_other_words(kind, check, expected):
    assert outcome(kind, check) == expected


def test_gradients_that_are_told_to_be_kept_are_no_finding():
    assert outcome(Adds, "api.micro-batches") not in ("deviates", "limit")


def test_decay_by_the_signs_of_gradients_is_a_variant_where_it_is_told():
    assert outcome(SignedDecay, "def.trajectory", {"adamw"}) == "documented variant"


def test_half_lives_with_a_small_number_in_the_logarithm_are_a_convention():
    assert outcome(Mixed, "def.trajectory", {"ademamix"}) == "conforms up to a convention"
