"""SM3: Adagrad with one accumulator for each row, column and so on.

Source: Anil et al. 2019, algorithms SM3-I and SM3-II, over the slices of every axis. The second
takes maxima of nu, the first adds the largest squares to what each slice has. A vector's slices
are its entries: Adagrad. Libraries know a decaying form too, with ``beta`` for the share of the
past.
"""

from functools import reduce
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.adaptive.adam import COUPLED
from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.moments import DECOUPLED, but_vectors, coupled, decayed, safe_divide

FORM = ("SM3-II", "SM3-I")
KEPT = ("of this step", "of all steps")
EPS = ("inside the root", "clamp inside the root", "outside the root")
BUFFER = ("average", "sum", "average, from the first step")


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    axes = range(max(g.ndim, 1))
    held = m.get("mu", [torch.zeros_like(g)] * len(axes))
    keep, new = (o.beta, 1 - o.beta) if o.beta else (1.0, 1.0)
    if c["form"] == "SM3-I":
        mu = [
            keep * old + new * _over_others(g * g, axis)
            for old, axis in zip(held, axes, strict=True)
        ]
        nu = reduce(torch.minimum, mu)
    else:
        nu = keep * reduce(torch.minimum, held) + new * g * g
        mu = [_over_others(nu, axis) for axis in axes]
        if o.beta and c["maxima"] == "of all steps":
            mu = [torch.maximum(a, b) for a, b in zip(mu, held, strict=True)]
    m["mu"] = mu
    if c["eps"] == "outside the root":
        step = safe_divide(g, nu.sqrt() + o.eps)
    else:
        step = safe_divide(g, (nu + o.eps if "clamp" not in c["eps"] else nu.clamp(o.eps)).sqrt())
    return decayed(p, o.lr * _carried(step, m, o, c), o, c)


def _over_others(values: Tensor, axis: int) -> Tensor:
    """Return the maximum over each slice of an axis, at the place of every entry."""
    others = [i for i in range(values.ndim) if i != axis]
    return values.amax(others, keepdim=True).expand_as(values) if others else values


def _carried(step: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    if not o.momentum:
        return step
    share = 1.0 if c["buffer"] == "sum" else 1 - o.momentum
    if "v" not in m and c["buffer"] == "average, from the first step":
        m["v"] = step
    else:
        m["v"] = o.momentum * m.get("v", torch.zeros_like(step)) + share * step
    return m["v"]


ORACLES = but_vectors(
    Oracle(
        claim="sm3",
        source="Anil et al. 2019, algorithms SM3-I and SM3-II",
        step=per_parameter(rule),
        options={"lr": 0.1, "momentum": 0.9, "beta": 0.0, "eps": 1e-30, "weight_decay": 0.0},
        conventions={
            "form": FORM,
            "maxima": KEPT,
            "eps": EPS,
            "buffer": BUFFER,
            "decay": COUPLED,
        },
        variants={"form": frozenset(FORM[1:]), "decay": frozenset(DECOUPLED)},
        departures={"decay": frozenset({"ignored"})},
        relevant={"decay": "weight_decay", "maxima": "beta", "buffer": "momentum"},
        hidden={"eps": (1e-30, 0.0, 1e-8), "momentum": (0.0, 0.9)},
        off={"momentum": 0.0, "beta": 0.0},
        probes={"beta": 0.85},
        aliases={"momentum": ("momentum", "mu", "beta1"), "beta": ("beta", "beta2")},
    ),
)
