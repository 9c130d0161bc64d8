"""AdaHessian: momentum over the root mean square of the Hessian's diagonal.

Source: Yao et al. 2021, algorithm 1. ``curvature`` is the Hessian's diagonal that the driver
sets; on a loss with Hessian c I every estimate by signs is exactly c, and so is its mean over
the places of a kernel.
"""

from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.drives.graph import CURVATURE
from lpfl.conformance.oracles.adaptive.adam import FREE, FREE_FAULTS
from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.moments import (
    BIAS,
    NO_BIAS,
    average,
    but_vectors,
    corrections,
    coupled,
    decayed,
)

EPS = ("beside the power", "beside the root", "inside the root", "beside, before bias correction")
RENEWED = ("averaged at renewals", "averaged every step")


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    first, second = corrections(c, o, m["t"])
    mean = average(m, "m", g, o.beta1) / first
    if (m["t"] - 1) % int(o.period) == 0 or c["old curvature"] == RENEWED[1]:
        average(m, "v", torch.full_like(g, o.curvature**2), o.beta2)
    half, v = o.power / 2, m["v"]
    if c["eps"] == "beside the root":
        below = ((v / second).sqrt() + o.eps) ** o.power
    elif c["eps"] == "inside the root":
        below = (v / second + o.eps) ** half
    elif c["eps"] == "beside, before bias correction":
        below = (v**half + o.eps) / second**half
    else:
        below = (v / second) ** half + o.eps
    return decayed(p, o.lr * mean / below, o, c)


ORACLES = but_vectors(
    Oracle(
        claim="adahessian",
        source="Yao et al. 2021, algorithm 1",
        step=per_parameter(rule),
        options={
            "lr": 0.1,
            "beta1": 0.9,
            "beta2": 0.999,
            "eps": 1e-8,
            "weight_decay": 0.0,
            "power": 1.0,
            "period": 1,
            "curvature": CURVATURE,
        },
        conventions={
            "eps": EPS,
            "bias correction": BIAS,
            "old curvature": RENEWED,
            "decay": FREE,
        },
        departures={"bias correction": NO_BIAS, "decay": FREE_FAULTS},
        hidden={"eps": (1e-8, 1e-4, 0.0)},
        relevant={"decay": "weight_decay", "old curvature": "period"},
        probes={"power": 0.7},
        fixed={"curvature": CURVATURE},
        aliases={"power": ("hessian_power",), "period": ("update_each", "update_period")},
    ),
)
