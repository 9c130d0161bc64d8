"""Shampoo: every axis of a tensor multiplied by an inverse root of its second moments.

Source: Gupta et al. 2018, algorithms 1 and 2: sums started at epsilon I, exponent -1/(2k) for a
tensor of k axes. Anil et al. 2021 for moving averages and damping in units of the largest
eigenvalue; Shi et al. 2023 for bias correction and the free exponent.
"""

from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.layer_axes import PERIODS
from lpfl.conformance.oracles.matrices import multiply, power, unfold
from lpfl.conformance.oracles.moments import DECOUPLED, average, correction, coupled, decayed

DAMPING = (
    "in the start value",
    "added under the root",
    "times the largest eigenvalue",
    "eigenvalue floor",
    "added, after bias correction",
)
STATISTICS = ("sum", "average", "average, bias corrected")
EXPONENT = ("-1/(2k)", "-1/k", "-1/2", "-1/4")
SHAPE = ("every axis", "flattened to a matrix", "matrices; all others entry by entry")
VECTORS = (
    "full matrix",
    "diagonal",
    "as one column",
    "diagonal, statistics of the matrices",
    "diagonal, statistics of the matrices, eps outside the root",
    "plain gradient",
)
DECAY = ("L2 in the gradient", *DECOUPLED, "ignored")
GRAFT = ("none", "to the length of the gradient")
MOMENTUM = (
    "of the step, average",
    "of the step, sum",
    "of the gradient, average",
    "last step mixed into the gradient",
    "of the gradient, average, bias corrected",
)


def statistics(G: Tensor, m: Memory, o: Any, c: Convention) -> list[Tensor]:
    """Return the second moments of each axis, the new gradient in them."""
    out = []
    for axis in range(G.ndim):
        wide = unfold(G, axis)
        start = torch.zeros_like(wide @ wide.T)
        if c["damping"] == "in the start value":
            start = o.eps * torch.eye(len(start), dtype=G.dtype)
        old = m.get(("S", axis), start)
        total = c["statistics"] == "sum"
        new = old + wide @ wide.T if total else o.beta2 * old + (1 - o.beta2) * wide @ wide.T
        m["S", axis] = new
        out.append(new / (correction(o.beta2, m["t"]) if "corrected" in c["statistics"] else 1.0))
    return out


def roots(G: Tensor, m: Memory, o: Any, c: Convention) -> list[Tensor]:
    k = max(G.ndim, 1)
    exponent = {"-1/(2k)": -0.5 / k, "-1/k": -1.0 / k, "-1/2": -0.5, "-1/4": -0.25}[c["exponent"]]
    stats = statistics(G, m, o, c)
    if "roots" not in m or (m["t"] - 1) % int(o.period) == 0:
        kind = {"times the largest eigenvalue": "times largest", "eigenvalue floor": "clamp"}
        damping = 0.0 if c["damping"] == "in the start value" else o.eps
        m["roots"] = [power(S, exponent, damping, kind.get(c["damping"], "added")) for S in stats]
    return m["roots"]


def diagonal_root(G: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    """Return what divides the gradient of a vector whose axis keeps its squares alone."""
    old = m.get("d", o.eps if c["damping"] == "in the start value" else 0.0)
    plain = c["vectors"] == "diagonal" or c["statistics"] == "sum"
    m["d"] = old + G * G if plain else o.beta2 * old + (1 - o.beta2) * G * G
    if c["vectors"] == "diagonal":
        return m["d"].sqrt()
    seen = m["d"] / (correction(o.beta2, m["t"]) if "corrected" in c["statistics"] else 1.0)
    outside = c["vectors"].endswith("outside the root")
    return seen.sqrt() + o.eps if outside else (seen + o.eps).sqrt()


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    mixed = o.momentum and c["momentum"] == MOMENTUM[3]
    if mixed and "b" in m:
        g = (1 - o.momentum) * g + o.momentum * m["b"].reshape(g.shape)
    flat = c["shape"] == "flattened to a matrix" and g.ndim > 2
    G = g.reshape(len(g), -1) if flat else g.reshape(-1) if g.ndim == 0 else g
    if G.ndim == 1 and c["vectors"] == "as one column":
        G = G.reshape(-1, 1)
    averaged = o.momentum and c["momentum"] in (MOMENTUM[2], MOMENTUM[4])
    seen = average(m, "b", G, o.momentum) if averaged else G
    if averaged and c["momentum"] == MOMENTUM[4]:
        seen = seen / (1 - o.momentum ** m["t"])
    entries = G.ndim == 1 or (G.ndim > 2 and c["shape"] == SHAPE[2])
    if entries and c["vectors"].startswith("diagonal"):
        step = seen / diagonal_root(G, m, o, c)
    elif entries and c["vectors"] == "plain gradient":
        step = seen
    else:
        step = seen
        for axis, root in enumerate(roots(G, m, o, c)):
            step = multiply(step, root, axis)
    if c["graft"] == GRAFT[1] and float(step.norm()) > 0:
        step = step * (G.norm() / step.norm())
    if mixed:
        m["b"] = step
    elif o.momentum and not averaged:
        share = 1.0 if "sum" in c["momentum"] else 1 - o.momentum
        step = m["b"] = o.momentum * m.get("b", torch.zeros_like(step)) + share * step
    return decayed(p, o.lr * step.reshape(p.shape), o, c)


ORACLES = (
    Oracle(
        claim="shampoo",
        for_matrices=True,
        source="Gupta et al. 2018, algorithms 1 and 2; Anil et al. 2021",
        step=per_parameter(rule),
        options={
            "lr": 0.1,
            "eps": 1e-4,
            "momentum": 0.0,
            "weight_decay": 0.0,
            "beta2": 0.99,
            "period": 1,
        },
        conventions={
            "damping": DAMPING,
            "statistics": STATISTICS,
            "shape": SHAPE,
            "vectors": VECTORS,
            "momentum": MOMENTUM,
            "exponent": EXPONENT,
            "graft": GRAFT,
            "decay": DECAY,
        },
        variants={
            "vectors": frozenset({VECTORS[1], *VECTORS[3:]}),
            "shape": frozenset(SHAPE[2:]),
            "graft": frozenset(GRAFT[1:]),
            "decay": frozenset(DECOUPLED),
        },
        departures={
            "exponent": frozenset(EXPONENT[1:]),
            "momentum": frozenset({"last step mixed into the gradient"}),
            "decay": frozenset({"ignored"}),
        },
        relevant={"momentum": "momentum", "decay": "weight_decay"},
        hidden={"beta2": (0.99, 0.999, 0.95)},
        aliases={
            "eps": ("eps", "epsilon", "matrix_eps", "damping"),
            "beta2": ("beta2", "betas[1]", "shampoo_beta", "preconditioner_decay"),
            "period": PERIODS,
        },
    ),
)
