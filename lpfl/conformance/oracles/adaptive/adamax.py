"""Adamax: Adam with the infinity norm.

Source: Kingma and Ba 2015, algorithm 2, which has no epsilon.
"""

from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.adaptive.adam import COUPLED, OPTIONS
from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.moments import (
    DECOUPLED,
    average,
    but_vectors,
    correction,
    coupled,
    decayed,
    safe_divide,
)

EPS = ("added to |g|", "not used", "added to the norm", "clamp")


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    mean = average(m, "m", g, o.beta1)
    new = g.abs() + o.eps if c["eps"] == "added to |g|" else g.abs()
    norm = m["u"] = torch.maximum(o.beta2 * m.get("u", torch.zeros_like(g)), new)
    if c["eps"] == "added to the norm":
        norm = norm + o.eps
    elif c["eps"] == "clamp":
        norm = norm.clamp(min=o.eps)
    first = correction(o.beta1, m["t"]) if c["bias correction"] == "first" else 1.0
    return decayed(p, o.lr / first * safe_divide(mean, norm), o, c)


ORACLES = but_vectors(
    Oracle(
        claim="adamax",
        source="Kingma and Ba 2015, algorithm 2",
        step=per_parameter(rule),
        options={**OPTIONS, "lr": 2e-3},
        conventions={"eps": EPS, "decay": COUPLED, "bias correction": ("first", "none")},
        variants={"decay": frozenset(DECOUPLED)},
        departures={"decay": frozenset(COUPLED[1:2]), "bias correction": frozenset({"none"})},
        relevant={"decay": "weight_decay"},
        hidden={"eps": (1e-8, 0.0)},
    ),
)
