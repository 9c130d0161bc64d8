"""Adan: adaptive Nesterov momentum from differences of gradients.

Source: Xie et al. 2022, algorithm 1. The betas are the weights of the past (0.98, 0.92, 0.99),
one minus those of the paper, as in its authors' code, which has no_prox: decay times lr before
the step.
"""

from typing import Any

from torch import Tensor

from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.cautious import masked, with_caution
from lpfl.conformance.oracles.moments import (
    EPS,
    average,
    but_vectors,
    correction,
    decayed,
    denominator,
)

DECAY = ("divide by 1 + lr * weight_decay", "times lr", "times lr, after the step", "ignored")
BIAS = ("all", "none")
WEIGHTS = ("the past", "the gradient")
FIRST = ("zero", "first gradient")
MASKED = ("the step", "the mean gradient alone")


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    betas = (o.beta1, o.beta2, o.beta3)
    if c["betas are weights of"] == WEIGHTS[1]:
        betas = tuple(1 - b for b in betas)
    beta1, beta2, beta3 = betas
    t = m["t"]
    fresh = 0 * g if c["first difference"] == "zero" else g
    change = g - m["previous"] if "previous" in m else fresh
    m["previous"] = g
    mean = average(m, "m", g, beta1)
    drift = average(m, "v", change, beta2)
    ahead = g + beta2 * change
    n = average(m, "n", ahead * ahead, beta3)
    one, two, three = (correction(b, t) if c["bias correction"] == "all" else 1.0 for b in betas)
    mean_alone = o.cautious and c["cautious mask of"] == MASKED[1]
    first = masked(mean, g, o, c) if mean_alone else mean
    seen = first / one + beta2 * drift / two
    move = o.lr * seen / denominator(n, o.eps, three, c["eps"])
    move = move if mean_alone else masked(move, g, o, c)
    if o.no_prox:
        return decayed(p, move, o, {**c, "decay": "times lr"})
    if c["decay"] == DECAY[0]:
        return (p - move) / (1 + o.lr * o.weight_decay)
    return decayed(p, move, o, c)


ORACLES = with_caution(
    *but_vectors(
        Oracle(
            claim="adan",
            source="Xie et al. 2022, algorithm 1",
            step=per_parameter(rule),
            options={
                "lr": 1e-3,
                "beta1": 0.98,
                "beta2": 0.92,
                "beta3": 0.99,
                "eps": 1e-8,
                "weight_decay": 0.0,
                "no_prox": False,
                "cautious": False,
            },
            conventions={
                "eps": EPS,
                "decay": DECAY,
                "bias correction": BIAS,
                "first difference": FIRST,
                "betas are weights of": WEIGHTS,
                "cautious mask of": MASKED,
            },
            departures={"decay": frozenset({"ignored"}), "first difference": frozenset({FIRST[1]})},
            relevant={"decay": "weight_decay", "cautious mask of": "cautious"},
            hidden={"eps": (1e-8,)},
            probes={"beta2": 0.85},
        ),
    )
)
