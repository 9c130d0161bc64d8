"""RAdam: Adam whose adaptive step is rectified, and left out while its variance is unbounded.

Source: Liu et al. 2020, algorithm 2: threshold 4, and momentum without adaptation below it.
"""

from typing import Any

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

BELOW = (
    "corrected momentum",
    "no step",
    "no step, weights decay",
    "gradient",
    "raw momentum",
)
THRESHOLD = ("above 4", "above 5", "at least 5")


def rectification(t: int, beta2: float, threshold: str) -> float | None:
    """Return the factor r_t on the adaptive step, or None below the threshold."""
    top = 2 / (1 - beta2) - 1
    now = top - 2 * t * beta2**t / (1 - beta2**t)
    if now <= (4 if threshold == "above 4" else 5) and not (now == 5 and threshold == THRESHOLD[2]):
        return None
    factor = (now - 4) * (now - 2) * top / ((top - 4) * (top - 2) * now)
    return float(factor**0.5)


def below(g: Tensor, mean: Tensor, first: float, c: Convention) -> Tensor:
    """Return the direction while the variance is unbounded."""
    kind = c["below the threshold"]
    if kind.startswith("no step"):
        return 0 * g
    return {"gradient": g, "raw momentum": mean}.get(kind, mean / first)


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    decay = c if not o.decoupled_weight_decay else {**c, "decay": "times lr"}
    g, t = coupled(p, g, o, decay), m["t"]
    mean = average(m, "m", g, o.beta1)
    v = average(m, "v", g * g, o.beta2)
    first, second = correction(o.beta1, t), correction(o.beta2, t)
    factor = rectification(t, o.beta2, c["threshold"])
    if factor is not None:
        move = factor * mean / first / denominator(v, o.eps, second, c["eps"])
    elif c["below the threshold"] == "no step":
        return p
    else:
        move = below(g, mean, first, c)
    return decayed(p, o.lr * move, o, decay)


ORACLES = but_vectors(
    Oracle(
        claim="radam",
        source="Liu et al. 2020, algorithm 2",
        step=per_parameter(rule),
        options={**OPTIONS, "decoupled_weight_decay": False},
        conventions={
            "eps": EPS,
            "below the threshold": BELOW,
            "threshold": THRESHOLD,
            "decay": COUPLED,
        },
        variants={
            "below the threshold": frozenset(BELOW[1:4]),
            "decay": frozenset(DECOUPLED),
        },
        departures={
            "decay": frozenset({"ignored"}),
            "below the threshold": frozenset({"raw momentum"}),
        },
        relevant={"decay": "weight_decay"},
        hidden={"eps": (1e-8, 0.0)},
    ),
)
