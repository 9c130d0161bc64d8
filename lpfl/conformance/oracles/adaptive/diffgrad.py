"""diffGrad: Adam's step times a friction that grows with the change of the gradient.

Source: Dubey et al. 2020, section III: sigmoid(|g_(t-1) - g_t|), g_0 = 0.
"""

from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.adaptive.adam import COUPLED, OPTIONS
from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.moments import (
    DECOUPLED,
    EPS,
    average,
    but_vectors,
    correction,
    coupled,
    decayed,
    denominator,
)

FIRST = ("zero", "first gradient")


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g, t = coupled(p, g, o, c), m["t"]
    mean = average(m, "m", g, o.beta1) / correction(o.beta1, t)
    v = average(m, "v", g * g, o.beta2)
    before = m.get("previous", 0 * g if c["previous gradient at first"] == "zero" else g)
    m["previous"] = g
    friction = torch.sigmoid((before - g).abs())
    move = friction * mean / denominator(v, o.eps, correction(o.beta2, t), c["eps"])
    return decayed(p, o.lr * move, o, c)


ORACLES = but_vectors(
    Oracle(
        claim="diffgrad",
        source="Dubey et al. 2020",
        step=per_parameter(rule),
        options=OPTIONS,
        conventions={"eps": EPS, "previous gradient at first": FIRST, "decay": COUPLED},
        variants={"decay": frozenset(DECOUPLED)},
        departures={"decay": frozenset({"ignored"})},
        relevant={"decay": "weight_decay"},
        hidden={"eps": (1e-8,)},
    ),
)
