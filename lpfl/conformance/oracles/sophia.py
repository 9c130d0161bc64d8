"""Sophia: momentum over a moving average of the curvature, clipped entry by entry.

Source: Liu et al. 2023, algorithm 3. ``curvature`` is the Hessian's diagonal that the driver
sets; on a loss with Hessian c I every Hutchinson estimate is exactly c.
"""

from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.adaptive.adam import FREE
from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.moments import average, but_vectors, coupled, decayed

RATIO = ("m / max(rho h, eps)", "m / (rho h + eps)", "m / max(h, eps)", "m / (h + eps)")


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    mean = average(m, "m", g, o.beta1)
    if (m["t"] - 1) % int(o.period) == 0:
        average(m, "h", torch.full_like(g, o.curvature), o.beta2)
    h = m["h"] * (o.rho if "rho" in c["ratio"] else 1.0)
    below = h.clamp(min=o.eps) if "max" in c["ratio"] else h + o.eps
    return decayed(p, o.lr * (mean / below).clamp(-1, 1), o, c)


ORACLES = but_vectors(
    Oracle(
        claim="sophia",
        source="Liu et al. 2023, algorithm 3",
        step=per_parameter(rule),
        options={
            "lr": 1e-3,
            "beta1": 0.96,
            "beta2": 0.99,
            "rho": 0.01,
            "eps": 1e-12,
            "weight_decay": 0.0,
            "period": 1,
            "curvature": 1.0,
        },
        conventions={"ratio": RATIO, "decay": FREE},
        departures={"decay": frozenset({"ignored", "L2 in the gradient"})},
        relevant={"decay": "weight_decay"},
        hidden={"eps": (1e-12, 1e-15)},
        fixed={"curvature": 0.5},
        aliases={"rho": ("rho", "gamma", "p"), "period": ("update_period", "k", "period")},
    ),
)
