"""Adam, AdamW and AMSGrad.

Sources: Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019, algorithm 2, with the
schedule multiplier equal to lr / alpha as in all libraries; Reddi et al. 2018, algorithm 2.
"""

from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.cautious import masked, with_caution
from lpfl.conformance.oracles.moments import (
    BIAS,
    DECOUPLED,
    EPS,
    NO_BIAS,
    NOT_DECOUPLED,
    average,
    but_vectors,
    corrections,
    coupled,
    decayed,
    denominator,
)

MAXIMUM = ("of raw second moments", "of corrected second moments")
OPTIONS = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0}
COUPLED = ("L2 in the gradient", "ignored", *DECOUPLED, "constant lr * weight_decay")
FREE = (*DECOUPLED, "L2 in the gradient", "ignored", "constant lr * weight_decay")
FREE_FAULTS = frozenset(NOT_DECOUPLED)


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    first, second = corrections(c, o, m["t"])
    mean = average(m, "m", g, o.beta1)
    v = average(m, "v", g * g, o.beta2)
    if o.amsgrad:
        if c["maximum"] == "of corrected second moments":
            v, second = v / second, 1.0
        v = m["top"] = torch.maximum(m.get("top", torch.zeros_like(v)), v)
    move = o.lr * mean / first / denominator(v, o.eps, second, c["eps"])
    return decayed(p, masked(move, g, o, c), o, c)


def adam(claim: str, decay: tuple[str, ...], faults: frozenset[str], weight_decay: float) -> Oracle:
    amsgrad = claim == "amsgrad"
    bias = ("none", "both", "first only", "second only") if amsgrad else BIAS
    return Oracle(
        claim=claim,
        source="Kingma and Ba 2015; Loshchilov and Hutter 2019; Reddi et al. 2018",
        step=per_parameter(rule),
        options={**OPTIONS, "weight_decay": weight_decay, "amsgrad": amsgrad},
        conventions={
            "eps": EPS,
            "bias correction": bias,
            "decay": decay,
            "maximum": MAXIMUM,
        },
        departures={
            "bias correction": frozenset(bias[2:]) if amsgrad else NO_BIAS,
            "decay": faults,
        },
        relevant={"decay": "weight_decay", "maximum": "amsgrad"},
        hidden={"eps": (1e-8, 0.0)},
        fixed={"amsgrad": True} if amsgrad else {},
    )


ORACLES = with_caution(
    *but_vectors(
        adam("adam", COUPLED, frozenset(COUPLED[1:]), 0.0),
        adam("adamw", FREE, FREE_FAULTS, 0.01),
        adam("amsgrad", (*COUPLED[:1], *DECOUPLED), frozenset(), 0.0),
    )
)
