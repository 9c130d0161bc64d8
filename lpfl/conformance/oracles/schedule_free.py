"""Schedule-free SGD and AdamW.

Source: Defazio et al. 2024, algorithm 1. The observed weights are the average x (evaluation
mode); gradients belong to y = (1 - beta) z + beta x.
"""

from typing import Any

from torch import Tensor

from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.moments import EPS, average, correction, denominator

DECAY = ("at y", "at z", "ignored")
WEIGHTS = ("the rate", "the largest rate so far")
"""What a step is weighed by; they differ once the rate falls."""
WARM = ("steps with this one", "steps before this one")


CORRECTED = ("in the denominator", "in the rate")
"""Where the bias of the second moment is corrected: in the rate it also weighs the average."""


def share(m: Memory, o: Any, c: Convention, factor: float = 1.0) -> tuple[float, float]:
    """Return this step's rate, which has a factor, and the weight of z in the new average."""
    t = m["t"] if c["warm-up counts"] == WARM[0] else m["t"] - 1
    rate = o.lr * min(1.0, t / o.warmup_steps) if o.warmup_steps else o.lr
    rate *= factor
    m["peak"] = max(m.get("peak", 0.0), rate)
    base = rate if c["weight"] == WEIGHTS[0] else m["peak"]
    weight = m["t"] ** o.r * base**o.weight_power
    m["total"] = m.get("total", 0.0) + weight
    return rate, weight / m["total"] if weight else 0.0


def advance(
    p: Tensor, direction: Tensor, rate: float, part: float, m: Memory, o: Any, c: Convention
) -> Tensor:
    z = m.get("z", p)
    y = (1 - o.beta1) * z + o.beta1 * p
    decay = {"at y": y, "at z": z}.get(c["decay"], 0 * y)
    m["z"] = z - rate * (direction + o.weight_decay * decay)
    return (1 - part) * p + part * m["z"]


def sgd(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    rate, part = share(m, o, c)
    return advance(p, g, rate, part, m, o, c)


def adamw(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    bias = correction(o.beta2, m["t"])
    outside = c["bias correction"] == CORRECTED[1]
    rate, part = share(m, o, c, bias**0.5 if outside else 1.0)
    v = average(m, "v", g * g, o.beta2)
    root = denominator(v, o.eps, 1.0 if outside else bias, c["eps"])
    return advance(p, g / root, rate, part, m, o, c)


SHARED = {
    "beta1": 0.9,
    "weight_decay": 0.0,
    "warmup_steps": 0,
    "r": 0.0,
    "weight_power": 2.0,
}
PROBES = {"warmup_steps": 3, "r": 0.5, "weight_power": 1.5}
FAULTS = {"decay": frozenset({"ignored"}), "warm-up counts": frozenset(WARM[1:])}
RELEVANT = {"decay": "weight_decay", "warm-up counts": "warmup_steps"}
FIRST_BETA = ("momentum", "betas[0]", "beta1")

ORACLES = (
    Oracle(
        claim="schedule-free",
        forms=("schedule-free-sgd",),
        source="Defazio et al. 2024, algorithm 1",
        step=per_parameter(adamw),
        options={"lr": 2.5e-3, "beta2": 0.999, "eps": 1e-8, **SHARED},
        conventions={
            "eps": EPS,
            "bias correction": CORRECTED,
            "weight": WEIGHTS,
            "decay": DECAY,
            "warm-up counts": WARM,
        },
        departures=FAULTS,
        relevant=RELEVANT,
        hidden={"eps": (1e-8,)},
        aliases={"weight_power": ("weight_lr_power",), "r": ("r",), "beta1": FIRST_BETA},
        probes=PROBES,
    ),
    Oracle(
        claim="schedule-free-sgd",
        source="Defazio et al. 2024, algorithm 1",
        step=per_parameter(sgd),
        options={"lr": 1.0, **SHARED},
        conventions={"weight": WEIGHTS, "decay": DECAY, "warm-up counts": WARM},
        departures=FAULTS,
        relevant=RELEVANT,
        aliases={"weight_power": ("weight_lr_power",), "r": ("r",), "beta1": FIRST_BETA},
        probes=PROBES,
    ),
)
