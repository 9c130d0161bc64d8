"""ADOPT: the gradient is normalised by the second moment before it, then averaged.

Source: Taniguchi et al. 2024, algorithm 2; the clip at t^(1/4) is that of its later versions
and of the authors' code, whose counter is 1 at the second gradient.
"""

from typing import Any

from torch import Tensor

from lpfl.conformance.oracles.adaptive.adam import FREE
from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.cautious import masked, with_caution
from lpfl.conformance.oracles.moments import average, but_vectors, coupled, decayed

CLIP = ("t^clip_exponent", "none", "t^0.2", "t^(1/3)", "t^0.5", "1")
COUNTER = ("steps before this one", "steps with this one")
EPS = ("clamp", "outside the root", "inside the root")
EXPONENTS = {"t^0.2": 0.2, "t^(1/3)": 1 / 3, "t^0.5": 0.5, "1": 0.0}


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    if "v" not in m:
        m["v"] = g * g
        return p
    v = m["v"]
    if c["eps"] == "clamp":
        root = v.sqrt().clamp(min=o.eps)
    else:
        root = v.sqrt() + o.eps if c["eps"] == "outside the root" else (v + o.eps).sqrt()
    seen = g / root
    if c["clip"] != "none":
        count = m["t"] - (1 if c["clip counter"] == COUNTER[0] else 0)
        bound = count ** EXPONENTS.get(c["clip"], o.clip_exponent)
        seen = seen.clamp(-bound, bound)
    mean = average(m, "m", seen, o.beta1)
    m["v"] = o.beta2 * v + (1 - o.beta2) * g * g
    return decayed(p, masked(o.lr * mean, g, o, c), o, c)


ORACLES = with_caution(
    *but_vectors(
        Oracle(
            claim="adopt",
            source="Taniguchi et al. 2024, algorithm 2",
            step=per_parameter(rule),
            options={
                "lr": 1e-3,
                "beta1": 0.9,
                "beta2": 0.9999,
                "eps": 1e-6,
                "weight_decay": 0.0,
                "clip_exponent": 0.25,
            },
            conventions={"clip": CLIP, "clip counter": COUNTER, "eps": EPS, "decay": FREE},
            variants={"decay": frozenset({"L2 in the gradient"})},
            departures={"decay": frozenset({"ignored"})},
            relevant={"decay": "weight_decay"},
            hidden={"eps": (1e-6,)},
            aliases={"clip_exponent": ("clip_exp", "clip_exponent")},
            probes={"clip_exponent": 0.4},
        ),
    )
)
