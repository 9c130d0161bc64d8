"""Adafactor: second moments of matrices as an outer product of row and column means.

Source: Shazeer and Stern 2018, algorithms 4 to 6: weight t^-0.8 of the new gradient, clipping of
the update's root mean square at d, step relative to that of the weights. Leading axes of a
tensor are a batch of matrices, as in the authors' code.
"""

import math
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.moments import average

FACTORED = (
    "last two axes",
    "last two axes if both exceed 16",
    "not factored, as far as 64 x 65 weights tell",
    "flattened to a matrix",
    "two largest axes",
    "first two axes, if there are more",
)
LEAST = ("at least that", "above that")
EPS1 = ("added to g^2", "floor of the root", "floor of the root and of the row mean", "not used")
RATE = ("lr", "min(lr, 1 / sqrt(t))", "lr min(0.01, 1 / sqrt(t))")
SCALE = ("max(eps2, rms of the weights)", "none")
CLIP = ("at d", "none")
MOMENTUM = (
    "of the step",
    "of the update before its rate",
    "a sum of steps",
    "a sum of updates before their rate",
)
DECAY = (
    "times lr",
    "times the relative step",
    "after the step, times lr",
    "after the step, times the relative step",
    "ignored",
)


def rms(x: Tensor) -> float:
    return float(x.square().mean().sqrt()) if x.numel() else 0.0


def order_of(g: Tensor, kind: str) -> list[int]:
    """Return the axes of g with the two that are factored last."""
    if kind == "two largest axes":
        return sorted(range(g.ndim), key=lambda axis: (g.shape[axis], axis))
    return [*range(2, g.ndim), 0, 1]


def as_matrix(g: Tensor, o: Any, c: Convention) -> Tensor | None:
    """Return g with the factored axes last, or None where second moments are kept whole."""
    kind = c["factored"]
    if g.ndim < 2 or kind == FACTORED[2]:
        return None
    if kind == "flattened to a matrix":
        g = g.reshape(len(g), -1)
    elif kind in FACTORED[4:]:
        g = g.permute(order_of(g, kind))
    least = min(g.shape[-2:])
    enough = (
        least > o.factored_from if c["sides factored"] == LEAST[1] else least >= o.factored_from
    )
    return g if enough and (kind != FACTORED[1] or least > 16) else None


def second_moment(g: Tensor, m: Memory, weight: float, o: Any, c: Convention) -> Tensor:
    eps = o.eps1
    square = g.square() + (eps if c["eps1"] == "added to g^2" else 0.0)
    matrix = as_matrix(square, o, c)
    if matrix is None:
        return average(m, "v", square, 1 - weight)
    rows = average(m, "rows", matrix.mean(-1, keepdim=True), 1 - weight)
    columns = average(m, "columns", matrix.mean(-2, keepdim=True), 1 - weight)
    least = eps if c["eps1"].endswith("of the row mean") else 1e-300
    v = rows / rows.mean(-2, keepdim=True).clamp(min=least) * columns
    if c["factored"] in FACTORED[4:]:
        order = order_of(g, c["factored"])
        return v.permute([order.index(axis) for axis in range(g.ndim)])
    return v.reshape(g.shape)


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    t = m["t"]
    v = second_moment(g, m, t ** -abs(o.decay), o, c)
    if c["eps1"].startswith("floor"):
        v = v.clamp(min=o.eps1**2)
    u = torch.where(g == 0, torch.zeros_like(g), g / v.sqrt())
    if c["clip"] == "at d":
        u = u / max(1.0, rms(u) / o.clip)
    rate = {RATE[0]: o.lr, RATE[1]: min(o.lr, t**-0.5)}.get(c["rate"], o.lr * min(0.01, t**-0.5))
    if c["scale"] == SCALE[0] and o.scale_parameter:
        rate *= max(o.eps2, rms(p))
    if o.beta1:
        unit = rate if c["momentum"] in (MOMENTUM[0], MOMENTUM[2]) else 1.0
        share = 1 - o.beta1 if c["momentum"] in MOMENTUM[2:] else 1.0
        u = average(m, "m", unit * u / share, o.beta1) / unit
    shrink = 1 - (rate if c["decay"].endswith("relative step") else o.lr) * o.weight_decay
    if c["decay"].startswith("after the step"):
        return (p - rate * u) * shrink
    return p * (1.0 if c["decay"] == "ignored" else shrink) - rate * u


ORACLES = (
    Oracle(
        claim="adafactor",
        source="Shazeer and Stern 2018, algorithms 4 to 6",
        step=per_parameter(rule),
        sees_weights=True,
        options={
            "lr": 0.01,
            "decay": 0.8,
            "eps1": 1e-30,
            "eps2": 1e-3,
            "clip": 1.0,
            "weight_decay": 0.0,
            "beta1": 0.0,
            "scale_parameter": True,
            "factored_from": 0,
        },
        conventions={
            "scale": SCALE,
            "clip": CLIP,
            "rate": RATE,
            "eps1": EPS1,
            "factored": FACTORED,
            "sides factored": LEAST,
            "decay": DECAY,
            "momentum": MOMENTUM,
        },
        variants={
            "scale": frozenset({"none"}),
            "clip": frozenset({"none"}),
            "factored": frozenset(FACTORED[1:3]),
        },
        departures={"decay": frozenset({"ignored"}), "momentum": frozenset(MOMENTUM[2:])},
        relevant={
            "decay": "weight_decay",
            "momentum": "beta1",
            "sides factored": "factored_from",
        },
        asides=({"factored_from": 2}, {"factored_from": 5}),
        off={"clip": math.inf, "beta1": 0.0, "factored_from": 0},
        hidden={"eps1": (1e-30,), "beta1": (0.0,), "clip": (1.0,)},
        aliases={
            "factored_from": ("min_dim_size_to_factor",),
            "decay": ("beta2_decay", "decay_rate", "decay"),
            "eps1": ("eps1", "eps[0]", "eps"),
            "eps2": ("eps2", "eps[1]"),
            "clip": ("clip", "clip_threshold", "clipping_threshold", "d"),
        },
        probes={"eps1": 1e-3, "decay": 0.7, "clip": 1.2},
    ),
)
