"""Adagrad and Adadelta.

Sources: Duchi et al. 2011; Zeiler 2012, algorithm 1.
"""

from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.adaptive.adam import COUPLED
from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.moments import (
    DECOUPLED,
    average,
    but_vectors,
    coupled,
    decayed,
    safe_divide,
)


def adagrad(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    total = m["sum"] = m.get("sum", torch.full_like(g, o.initial)) + g * g
    rate = o.lr / (1 + (m["t"] - 1) * o.lr_decay)
    inside = c["eps"] == "inside the root"
    root = (total + o.eps).sqrt() if inside else total.sqrt() + o.eps
    return decayed(p, rate * safe_divide(g, root), o, c)


def adadelta(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    square = average(m, "square", g * g, o.rho)
    past = m.get("moves", torch.zeros_like(g))
    if c["eps"] == "inside both roots":
        change = ((past + o.eps) / (square + o.eps)).sqrt() * g
    else:
        change = (past.sqrt() + o.eps) / (square.sqrt() + o.eps) * g
    average(m, "moves", change * change, o.rho)
    return decayed(p, o.lr * change, o, c)


SHARED = {"decay": COUPLED}
NOT = {"decay": frozenset({"ignored"})}
OTHER = {"decay": frozenset(DECOUPLED)}

ORACLES = but_vectors(
    Oracle(
        claim="adagrad",
        source="Duchi et al. 2011",
        step=per_parameter(adagrad),
        options={"lr": 0.01, "lr_decay": 0.0, "eps": 1e-10, "weight_decay": 0.0, "initial": 0.0},
        conventions={"eps": ("outside the root", "inside the root"), **SHARED},
        variants=OTHER,
        departures=NOT,
        relevant={"decay": "weight_decay"},
        hidden={"eps": (1e-10, 0.0)},
        aliases={"initial": ("initial_accumulator_value",)},
    ),
    Oracle(
        claim="adadelta",
        source="Zeiler 2012, algorithm 1",
        step=per_parameter(adadelta),
        options={"lr": 1.0, "rho": 0.9, "eps": 1e-6, "weight_decay": 0.0},
        conventions={"eps": ("inside both roots", "outside both roots"), **SHARED},
        variants=OTHER,
        departures=NOT,
        relevant={"decay": "weight_decay"},
        hidden={"eps": (1e-6,)},
        aliases={"rho": ("rho", "alpha", "decay", "beta", "gamma")},
    ),
)
