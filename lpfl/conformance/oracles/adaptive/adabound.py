"""AdaBound and AMSBound: Adam's rate of each entry, held between bounds that close in on SGD's.

Source: Luo et al. 2019, algorithms 2 and 3; the corrections of bias and the final rate that follows
a schedule are those of the authors' code, which leaves out the paper's 1 / sqrt(t).
"""

from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.adaptive.adam import COUPLED, OPTIONS
from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
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

WITHIN = "outside, before bias correction, 1e-15 in the root"
PLACES = (EPS[1], EPS[0], *EPS[2:], WITHIN)
BOUNDS = (
    "close in as gamma times the step",
    "stay where gamma puts them in the first step",
    "are not used",
    "are used from below alone",
    "are used from above alone",
)
FINAL = ("follows a schedule of lr", "whatever lr is")
RATE = ("as it is", "over the root of the step, after the bounds")
CLIPPED = ("with the correction of the first moment", "without it")


def bounds(t: int, o: Any, c: Convention) -> tuple[float, float]:
    """Return the least and the largest rate of step t."""
    share = o.lr / o.first_lr if o.first_lr else 0.0
    final = o.final_lr * (share if c["final rate"] == FINAL[0] else 1.0)
    near = o.gamma * (1 if c["bounds"] == BOUNDS[1] else t)
    low, high = final * (1 - 1 / (near + 1)), final * (1 + 1 / near) if near else float("inf")
    if c["bounds"] in (BOUNDS[2], BOUNDS[4]):
        low = 0.0
    return low, float("inf") if c["bounds"] in BOUNDS[2:4] else high


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    first, second = corrections(c, o, m["t"])
    mean = average(m, "m", g, o.beta1)
    v = average(m, "v", g * g, o.beta2)
    if o.amsbound:
        v = m["top"] = torch.maximum(m.get("top", torch.zeros_like(v)), v)
    if c["eps"] == WITHIN:
        under = denominator(v + 1e-15, o.eps, second, EPS[1])
    else:
        under = denominator(v, o.eps, second, c["eps"])
    within = first if c["bounded rate"] == CLIPPED[0] else 1.0
    low, high = bounds(m["t"], o, c)
    rate = (o.lr / within / under).clamp(min=low, max=high) * (within / first)
    if c["rate"] == RATE[1]:
        rate = rate / m["t"] ** 0.5
    return decayed(p, rate * mean, o, c)


def adabound(claim: str) -> Oracle:
    ams = claim == "amsbound"
    return Oracle(
        claim=claim,
        source="Luo et al. 2019, algorithms 2 and 3, and its authors' code",
        step=per_parameter(rule),
        options={**OPTIONS, "final_lr": 0.1, "gamma": 1e-3, "amsbound": ams},
        conventions={
            "eps": PLACES,
            "bias correction": BIAS,
            "bounds": BOUNDS,
            "bounded rate": CLIPPED,
            "rate": RATE,
            "final rate": FINAL,
            "decay": COUPLED,
        },
        variants={"decay": frozenset(DECOUPLED), "rate": frozenset(RATE[1:])},
        departures={
            "bias correction": frozenset(BIAS[2:]),
            "bounds": frozenset(BOUNDS[1:]),
            "decay": frozenset({"ignored"}),
        },
        relevant={"decay": "weight_decay"},
        hidden={"eps": (1e-8,), "final_lr": (0.1,), "gamma": (1e-3,)},
        aliases={
            "amsbound": ("amsbound", "ams_bound", "amsgrad"),
            "final_lr": ("final_lr", "final_learning_rate"),
        },
        probes={"final_lr": 0.08, "gamma": 0.13},
        fixed={"amsbound": True} if ams else {},
    )


ORACLES = but_vectors(adabound("adabound"), adabound("amsbound"))
