"""NAdam: Adam with Nesterov momentum.

Source: Dozat 2016, algorithm 8, with the momentum schedule of its experiments,
mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2).
"""

from typing import Any

from torch import Tensor

from lpfl.conformance.oracles.adaptive.adam import COUPLED, OPTIONS
from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.cautious import masked, with_caution
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

SCHEDULE = ("rising", "constant")


def momentum_at(t: int, o: Any, c: Convention) -> float:
    if c["momentum schedule"] == "constant":
        return float(o.beta1)
    return float(o.beta1 * (1 - 0.5 * 0.96 ** (t * o.momentum_decay)))


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    decay = c if not o.decoupled_weight_decay else {**c, "decay": "times lr"}
    g, t = coupled(p, g, o, decay), m["t"]
    now, following = momentum_at(t, o, c), momentum_at(t + 1, o, c)
    product = m["product"] = m.get("product", 1.0) * now
    mean = average(m, "m", g, o.beta1)
    v = average(m, "v", g * g, o.beta2)
    seen = (1 - now) / (1 - product) * g + following / (1 - product * following) * mean
    move = o.lr * seen / denominator(v, o.eps, correction(o.beta2, t), c["eps"])
    return decayed(p, masked(move, g, o, c), o, decay)


ORACLES = with_caution(
    *but_vectors(
        Oracle(
            claim="nadam",
            source="Dozat 2016, algorithm 8",
            step=per_parameter(rule),
            options={
                **OPTIONS,
                "lr": 2e-3,
                "momentum_decay": 4e-3,
                "decoupled_weight_decay": False,
            },
            conventions={"eps": EPS, "momentum schedule": SCHEDULE, "decay": COUPLED},
            variants={"momentum schedule": frozenset({"constant"}), "decay": frozenset(DECOUPLED)},
            departures={"decay": frozenset({"ignored"})},
            relevant={"decay": "weight_decay"},
            hidden={"eps": (1e-8,), "momentum_decay": (4e-3,)},
            aliases={"momentum_decay": ("momentum_decay", "schedule_decay")},
        ),
    )
)
