"""MARS-AdamW and MARS-Lion: the gradient is corrected by its difference from the one before.

Source: Yuan et al. 2024, algorithms 2 and 3, in the approximate form, where the earlier gradient is
the one of the earlier batch: c = g + gamma beta1 / (1 - beta1) (g - previous), clipped to norm 1.
"""

from types import SimpleNamespace
from typing import Any

from torch import Tensor

from lpfl.conformance.oracles.adaptive.adam import FREE, OPTIONS
from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.cautious import masked, with_caution
from lpfl.conformance.oracles.moments import (
    EPS,
    average,
    but_vectors,
    correction,
    coupled,
    decayed,
    denominator,
)

CLIP = ("each tensor to norm 1", "none")
FIRST = ("no correction", "from zero")
VECTORS = ("as matrices", "as AdamW with its own betas")


def corrected(g: Tensor, m: Memory, o: Any, c: Convention, *, plain: bool = False) -> Tensor:
    """Return what the method takes for the gradient; plain: the gradient itself."""
    before = m.get("previous", g if c["first difference"] == FIRST[0] else 0 * g)
    m["previous"] = g
    if plain:
        return g
    seen = g + o.gamma * o.beta1 / (1 - o.beta1) * (g - before)
    return seen / seen.norm() if c["clip"] != "none" and float(seen.norm()) > 1 else seen


def lion(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    mean = average(m, "m", corrected(g, m, o, c), o.beta1)
    return decayed(p, masked(o.lr * mean.sign(), g, o, c), o, c)


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g, t = coupled(p, g, o, c), m["t"]
    alone = p.ndim < 2 and c["vectors"] == VECTORS[1]
    lr = o.lr * (o.vector_lr_factor if alone else 1.0)
    beta1, beta2 = (o.vector_beta1, o.vector_beta2) if alone else (o.beta1, o.beta2)
    seen = corrected(g, m, o, c, plain=alone)
    mean = average(m, "m", seen, beta1) / correction(beta1, t)
    v = average(m, "v", seen * seen, beta2)
    move = lr * mean / denominator(v, o.eps, correction(beta2, t), c["eps"])
    own = {"lr": lr}
    if alone and o.vector_weight_decay is not None:
        own["weight_decay"] = o.vector_weight_decay
    return decayed(p, masked(move, g, o, c), SimpleNamespace(**{**vars(o), **own}), c)


ORACLES = with_caution(
    *but_vectors(
        Oracle(
            claim="mars",
            forms=("mars-lion",),
            source="Yuan et al. 2024, algorithm 2",
            step=per_parameter(rule),
            options={
                **OPTIONS,
                "lr": 3e-3,
                "beta1": 0.95,
                "beta2": 0.99,
                "gamma": 0.025,
                "vector_beta1": 0.9,
                "vector_beta2": 0.95,
                "vector_lr_factor": 1.0,
                "vector_weight_decay": None,
            },
            conventions={
                "eps": EPS,
                "clip": CLIP,
                "first difference": FIRST,
                "vectors": VECTORS,
                "decay": FREE,
            },
            variants={"vectors": frozenset(VECTORS[1:]), "clip": frozenset({"none"})},
            departures={"decay": frozenset({"ignored", "L2 in the gradient"})},
            relevant={"decay": "weight_decay"},
            hidden={"eps": (1e-8,)},
            aliases={
                "vector_beta1": ("betas_1d[0]",),
                "vector_beta2": ("betas_1d[1]",),
                "vector_lr_factor": ("lr_1d_factor",),
                "vector_weight_decay": ("weight_decay_1d",),
            },
            probes={"vector_beta1": 0.7, "vector_beta2": 0.88, "vector_lr_factor": 0.5},
        ),
        Oracle(
            claim="mars-lion",
            source="Yuan et al. 2024, algorithm 3",
            step=per_parameter(lion),
            options={"lr": 1e-3, "beta1": 0.95, "gamma": 0.025, "weight_decay": 0.0},
            conventions={"clip": CLIP, "first difference": FIRST, "decay": FREE},
            variants={"clip": frozenset({"none"})},
            departures={"decay": frozenset({"ignored", "L2 in the gradient"})},
            relevant={"decay": "weight_decay"},
        ),
    )
)
