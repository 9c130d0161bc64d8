"""AdaBelief: Adam with the variance of the gradient about its average.

Source: Zhuang et al. 2020, algorithm 2: epsilon is added to s at every step and to the root.
Its authors' code has amsgrad: the largest s so far takes the place of s.
"""

from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.adaptive.adam import FREE, OPTIONS
from lpfl.conformance.oracles.adaptive.radam import BELOW, THRESHOLD, below, rectification
from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.moments import (
    average,
    but_vectors,
    corrections,
    coupled,
    decayed,
    denominator,
)

EPS = (
    "added to s at every step, and outside",
    "added to s at every step",
    "added to s at every step, and outside before bias correction",
    "outside the root",
    "outside, before bias correction",
    "inside the root",
    "inside, before bias correction",
    "added once to s, and outside",
    "added once to s, and outside before bias correction",
)
RECTIFIED = ("in the same place", "outside, before bias correction")
MAXIMUM = ("of s", "of s without its eps, which is added to the maximum")
MEAN = ("updated", "previous")


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    first, second = corrections({"bias correction": "both"}, o, m["t"])
    before = m.get("m", 0 * g)
    mean = average(m, "m", g, o.beta1)
    rest = g - (mean if c["deviation from"] == "updated" else before)
    s, kind = average(m, "s", rest * rest, o.beta2), c["eps"]
    of_raw = o.amsgrad and c["maximum"] == MAXIMUM[1]
    if kind.startswith("added to s at every step") and not of_raw:
        s = m["s"] = s + o.eps
    elif kind.startswith("added once"):
        s = s + o.eps
    if o.amsgrad:
        s = m["top"] = torch.maximum(m.get("top", torch.zeros_like(s)), s)
    if of_raw and kind.startswith("added to s at every step"):
        s = m["top"] = s + o.eps
    place = "outside, before bias correction" if "before" in kind else "outside the root"
    if kind in ("inside the root", "inside, before bias correction"):
        place = kind
    eps = 0.0 if kind == "added to s at every step" else o.eps
    move = mean / first / denominator(s, eps, second, place)
    if o.rectify:
        factor = rectification(m["t"], o.beta2, c["threshold"])
        if factor is None and c["below the threshold"] == "no step":
            return p
        if c["eps when rectified"] == RECTIFIED[1]:
            move = mean / first / denominator(s, eps, second, "outside, before bias correction")
        move = factor * move if factor is not None else below(g, mean, first, c)
    return decayed(p, o.lr * move, o, c)


ORACLES = but_vectors(
    Oracle(
        claim="adabelief",
        source="Zhuang et al. 2020, algorithm 2",
        step=per_parameter(rule),
        options={**OPTIONS, "rectify": False, "amsgrad": False},
        conventions={
            "eps": EPS,
            "deviation from": MEAN,
            "decay": FREE,
            "maximum": MAXIMUM,
            "below the threshold": BELOW,
            "threshold": THRESHOLD,
            "eps when rectified": RECTIFIED,
        },
        variants={
            "decay": frozenset({"L2 in the gradient"}),
            "below the threshold": frozenset(BELOW[1:4]),
        },
        departures={
            "deviation from": frozenset({"previous"}),
            "below the threshold": frozenset({"raw momentum"}),
            "decay": frozenset({"ignored"}),
        },
        relevant={
            "decay": "weight_decay",
            "maximum": "amsgrad",
            "below the threshold": "rectify",
            "threshold": "rectify",
            "eps when rectified": "rectify",
        },
        hidden={"eps": (1e-8, 1e-16)},
        aliases={"amsgrad": ("amsgrad", "ams_bound")},
    ),
)
