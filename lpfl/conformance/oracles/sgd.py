"""Gradient descent with and without momentum.

Sources: Polyak 1964; Nesterov 1983; Sutskever et al. 2013 for the form with one gradient per
step. Libraries agree on v+ = momentum v + (1 - dampening) g with v = g at first.
"""

from typing import Any

from torch import Tensor

from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.cautious import masked, with_caution
from lpfl.conformance.oracles.moments import DECOUPLED, but_vectors, correction, coupled, decayed

START = ("first gradient", "zero")
BUFFER = ("sum", "average", "sum of lr * g", "average, bias corrected")
NESTEROV = ("g + momentum v", "(1 - momentum) g + momentum v")
DECAY = ("L2 in the gradient", *DECOUPLED, "ignored", "constant lr * weight_decay")
OTHER_DECAY = frozenset(DECAY[1:])


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    if not o.momentum:
        return decayed(p, o.lr * g, o, c)
    weight = 1 - o.momentum if c["buffer"].startswith("average") else 1 - o.dampening
    unit = o.lr if c["buffer"] == "sum of lr * g" else 1.0
    if "v" not in m:
        m["v"] = unit * g if c["buffer starts at"] == "first gradient" else unit * weight * g
    else:
        m["v"] = o.momentum * m["v"] + unit * weight * g
    move = m["v"]
    if c["buffer"].endswith("corrected"):
        move = move / correction(o.momentum, m["t"])
    if o.nesterov:
        share = 1.0 if c["Nesterov"] == NESTEROV[0] else 1 - o.momentum
        move = unit * share * g + o.momentum * m["v"]
    return decayed(p, masked(o.lr / unit * move, g, o, c), o, c)


def sgd(claim: str, momentum: float, nesterov: bool) -> Oracle:
    return Oracle(
        claim=claim,
        source="Polyak 1964; Nesterov 1983; Sutskever et al. 2013",
        step=per_parameter(rule),
        options={
            "lr": 0.01,
            "momentum": momentum,
            "dampening": 0.0,
            "nesterov": nesterov,
            "weight_decay": 0.0,
        },
        conventions={
            "buffer starts at": START,
            "buffer": BUFFER,
            "Nesterov": NESTEROV,
            "decay": DECAY,
        },
        variants={"buffer": frozenset({"average, bias corrected"})},
        departures={"decay": OTHER_DECAY},
        relevant={
            "buffer starts at": "momentum",
            "buffer": "momentum",
            "Nesterov": "nesterov",
            "decay": "weight_decay",
        },
        hidden={} if claim == "sgd" else {"momentum": (0.9,)},
        fixed={"nesterov": True} if nesterov else {},
    )


ORACLES = with_caution(
    *but_vectors(sgd("sgd", 0.0, False), sgd("momentum", 0.9, False), sgd("nesterov", 0.9, True))
)
