"""AdEMAMix: Adam with a second, much slower mean of the gradients beside the first.

Source: Pagliardini et al. 2025, algorithm 1 and equations 1 to 3: the slow mean is not corrected;
its weight rises in proportion, and its half-life from that of the fast mean, over the first steps.
"""

import math
from typing import Any

from torch import Tensor

from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.cautious import masked, with_caution
from lpfl.conformance.oracles.moments import (
    BIAS,
    DECOUPLED,
    EPS,
    NO_BIAS,
    average,
    but_vectors,
    correction,
    corrections,
    coupled,
    decayed,
    denominator,
)

DECAY = (*DECOUPLED, "L2 in the gradient", "ignored")
SLOW = ("uncorrected", "corrected", "left out")
MASKED = ("the step", "the fast mean alone")
WEIGHT = ("in proportion", "not at all")
RATE = ("by half-lives", "by half-lives, eps of 1e-8", "in proportion", "not at all")
COUNTED = ("from 1", "from 0")


def weight_at(t: int, o: Any, c: Convention) -> float:
    """Return the weight of the slow mean in step t."""
    steps = o.t_alpha or o.t_both
    if not steps or c["rise of alpha"] == WEIGHT[1]:
        return float(o.alpha)
    return float(min(_counted(t, c) / steps, 1.0) * o.alpha)


def _counted(t: int, c: Convention) -> int:
    return t - 1 if c["steps of a rise"] == COUNTED[1] else t


def decay_at(t: int, o: Any, c: Convention) -> float:
    """Return the weight of the past of the slow mean in step t."""
    steps = o.t_beta3 or o.t_both
    t = _counted(t, c)
    if not steps or t >= steps or c["rise of beta3"] == RATE[3]:
        return float(o.beta3)
    part, beta1 = t / steps, o.beta_start or o.beta1
    if c["rise of beta3"] == RATE[2]:
        return float((1 - part) * beta1 + part * o.beta3)
    eps = 1e-8 if c["rise of beta3"] == RATE[1] else 0.0
    first, last = math.log(beta1 + eps), math.log(o.beta3 + eps)
    return min(math.exp(first * last / ((1 - part) * last + part * first)), float(o.beta3))


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    t = m["t"]
    first, second = corrections(c, o, t)
    fast = average(m, "fast", g, o.beta1) / first
    beta3 = decay_at(t, o, c)
    slow = average(m, "slow", g, beta3)
    v = average(m, "v", g * g, o.beta2)
    if c["slow mean"] == SLOW[1]:
        slow = slow / correction(beta3, t)
    alone = o.cautious and c["cautious mask of"] == MASKED[1]
    fast = masked(fast, g, o, c) if alone else fast
    mixed = fast if c["slow mean"] == SLOW[2] else fast + weight_at(t, o, c) * slow
    move = o.lr * mixed / denominator(v, o.eps, second, c["eps"])
    return decayed(p, move if alone else masked(move, g, o, c), o, c)


ORACLES = with_caution(
    *but_vectors(
        Oracle(
            claim="ademamix",
            source="Pagliardini et al. 2025, algorithm 1",
            step=per_parameter(rule),
            options={
                "lr": 1e-3,
                "beta1": 0.9,
                "beta2": 0.999,
                "beta3": 0.9999,
                "alpha": 5.0,
                "t_alpha": 0.0,
                "t_beta3": 0.0,
                "t_both": 0.0,
                "beta_start": 0.0,
                "eps": 1e-8,
                "weight_decay": 0.0,
                "cautious": False,
            },
            conventions={
                "eps": EPS,
                "decay": DECAY,
                "bias correction": BIAS,
                "slow mean": SLOW,
                "rise of alpha": WEIGHT,
                "rise of beta3": RATE,
                "steps of a rise": COUNTED,
                "cautious mask of": MASKED,
            },
            departures={
                "decay": frozenset({"ignored"}),
                "bias correction": NO_BIAS,
                "slow mean": frozenset({"left out"}),
                "rise of alpha": frozenset(WEIGHT[1:]),
                "rise of beta3": frozenset(RATE[2:]),
            },
            variants={"slow mean": frozenset({"corrected"})},
            relevant={"decay": "weight_decay", "cautious mask of": "cautious"},
            hidden={"eps": (1e-8,), "beta_start": (0.0, 0.9)},
            aliases={
                "t_alpha": ("t_alpha", "alpha_warmup", "alpha_warmup_steps"),
                "t_beta3": ("t_beta3", "beta3_warmup", "beta3_warmup_steps"),
                "t_both": ("t_alpha_beta3", "mix_warmup_steps"),
            },
            probes={
                "alpha": 2.5,
                "beta3": 0.97,
                "beta_start": 0.82,
                "t_alpha": 6,
                "t_beta3": 8,
                "t_both": 7,
            },
            off={"t_alpha": 0.0, "t_beta3": 0.0, "t_both": 0.0},
        ),
    )
)
