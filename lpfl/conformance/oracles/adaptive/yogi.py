"""Yogi: Adam whose second moment moves towards the squared gradient by a part of that square.

Source: Zaheer et al. 2018, algorithm 2, which starts at zero and does not correct for it. Libraries
correct as Adam does and start at a small constant, the first moment often too.
"""

from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.adaptive.adam import COUPLED, OPTIONS
from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.cautious import masked, with_caution
from lpfl.conformance.oracles.moments import (
    BIAS,
    DECOUPLED,
    EPS,
    average,
    but_vectors,
    corrections,
    coupled,
    decayed,
    denominator,
)

SQUARE = (
    "by the sign of v - g^2",
    "its signed square is squared once more",
    "an average, as in Adam",
)
START = ("second moment alone", "both moments")
BIASES = (BIAS[1], BIAS[0], *BIAS[2:])


def second_moment(g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    """Return the second moment with the new gradient in it."""
    old = m.get("v", torch.full_like(g, o.initial))
    square, kind = g * g, c["second moment"]
    if kind == SQUARE[0]:
        change = -(old - square).sign() * square
    else:
        change = (square * square if kind == SQUARE[1] else square) - old
    m["v"] = old + (1 - o.beta2) * change
    return m["v"]


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    first, second = corrections(c, o, m["t"])
    if m["t"] == 1:
        m["m"] = torch.full_like(g, o.initial if c["starts at the constant"] == START[1] else 0.0)
    mean = average(m, "m", g, o.beta1)
    v = second_moment(g, m, o, c)
    move = o.lr * mean / first / denominator(v, o.eps, second, c["eps"])
    return decayed(p, masked(move, g, o, c), o, c)


ORACLES = with_caution(
    *but_vectors(
        Oracle(
            claim="yogi",
            source="Zaheer et al. 2018, algorithm 2",
            step=per_parameter(rule),
            options={**OPTIONS, "lr": 1e-2, "eps": 1e-3, "initial": 0.0},
            conventions={
                "eps": EPS,
                "bias correction": BIASES,
                "second moment": SQUARE,
                "starts at the constant": START,
                "decay": COUPLED,
            },
            variants={"decay": frozenset(DECOUPLED)},
            departures={
                "bias correction": frozenset(BIASES[2:]),
                "second moment": frozenset(SQUARE[1:]),
                "decay": frozenset({"ignored"}),
            },
            relevant={"decay": "weight_decay"},
            hidden={"eps": (1e-3, 1e-8), "initial": (0.0, 1e-6)},
            aliases={
                "initial": (
                    "initial_accumulator",
                    "initial_accumulator_value",
                    "initial_value",
                )
            },
        )
    )
)
