"""RMSprop, plain, centred and with momentum.

Sources: Tieleman and Hinton 2012, lecture 6.5; Graves 2013, equations 38 to 41, for the centred
form.
"""

from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.adaptive.adam import COUPLED
from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.cautious import masked, with_caution
from lpfl.conformance.oracles.moments import (
    DECOUPLED,
    average,
    but_vectors,
    correction,
    coupled,
    decayed,
    safe_divide,
)

EPS = ("outside the root", "inside the root", "clamp")
START = ("zero", "one")
MOMENTUM = ("of g / root", "of lr * g / root")


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    if "v" not in m:
        m["v"] = torch.full_like(g, 0.0 if c["second moment starts at"] == "zero" else 1.0)
    v = m["v"] = o.alpha * m["v"] + (1 - o.alpha) * g * g
    if o.centered:
        v = v - average(m, "mean", g, o.alpha).square()
    if c["bias correction"] == "second":
        v = v / correction(o.alpha, m["t"])
    if c["eps"] == "inside the root":
        root = (v + o.eps).sqrt()
    else:
        root = v.sqrt() + o.eps if c["eps"] == EPS[0] else v.sqrt().clamp(min=o.eps)
    step = safe_divide(g, root)
    if not o.momentum:
        return decayed(p, o.lr * step, o, c)
    unit = o.lr if c["momentum"] == "of lr * g / root" else 1.0
    m["b"] = o.momentum * m.get("b", torch.zeros_like(g)) + unit * step
    return decayed(p, masked(o.lr / unit * m["b"], g, o, c), o, c)


ORACLES = with_caution(
    *but_vectors(
        Oracle(
            claim="rmsprop",
            source="Tieleman and Hinton 2012; Graves 2013",
            step=per_parameter(rule),
            options={
                "lr": 0.01,
                "alpha": 0.99,
                "eps": 1e-8,
                "weight_decay": 0.0,
                "momentum": 0.0,
                "centered": False,
            },
            conventions={
                "eps": EPS,
                "second moment starts at": START,
                "momentum": MOMENTUM,
                "bias correction": ("none", "second"),
                "decay": COUPLED,
            },
            variants={
                "decay": frozenset(DECOUPLED),
                "bias correction": frozenset({"second"}),
            },
            departures={"decay": frozenset({"ignored"})},
            relevant={"decay": "weight_decay", "momentum": "momentum"},
            hidden={"eps": (1e-8,)},
            aliases={
                "alpha": (
                    "alpha",
                    "rho",
                    "beta2",
                    "beta",
                    "decay",
                    "gamma",
                    "decay_rate",
                    "smoothing",
                )
            },
        ),
    )
)
