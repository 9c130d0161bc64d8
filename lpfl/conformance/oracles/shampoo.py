"""Shampoo: every axis of a tensor multiplied by an inverse root of its second moments.

Source: Gupta et al. 2018, algorithms 1 and 2: sums started at epsilon I, exponent -1/(2k) for a
tensor of k axes. Anil et al. 2021 for moving averages and damping in units of the largest
eigenvalue; Shi et al. 2023 for bias correction and the free exponent.
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.layer_axes import PERIODS
from lpfl.conformance.oracles.matrices import OTHERS, WIDE, left_out, multiply, power, unfold
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
NESTEROV = ("the new one weighs as in the momentum", "the whole new one beside the momentum")
GRAFTS = (
    "to the length of AdaGrad's step",
    "to the length of RMSprop's step",
    "to the length of RMSprop's step, bias corrected",
    "to the length of Adam's step",
    "to the length of the signs",
)
GRAFT_SEES = ("what the preconditioner does", "the gradient without momentum")
SIDES = (
    "the others to their own exponent",
    "the others to the exponent of all sides",
    "a diagonal there",
    "no side has a preconditioner: as vectors",
    "no side has a preconditioner: plain gradient",
    OTHERS,
)
FRESH = ("step 1, and every k-th from there", "step 1, and every k-th step")
MOMENTUM = (
    "of the step, average",
    "of the step, sum",
    "of the gradient, average",
    "last step mixed into the gradient",
    "of the gradient, average, bias corrected",
    "of the gradient, sum",
)


def summed(beta: float, c: Convention) -> bool:
    """Return whether statistics are sums: by name, or as the weight of the past is 1."""
    return c["statistics"] == "sum" or beta == 1


def corrects(beta: float, c: Convention) -> bool:
    return "corrected" in c["statistics"] and beta < 1


def statistics(G: Tensor, m: Memory, o: Any, c: Convention) -> list[Tensor]:
    """Return the second moments of each axis, the new gradient in them."""
    out = []
    for axis in range(G.ndim):
        wide = unfold(G, axis)
        start = torch.zeros_like(wide @ wide.T)
        if c["damping"] == "in the start value":
            start = o.eps * torch.eye(len(start), dtype=G.dtype)
        old = m.get(("S", axis), start)
        total = summed(o.beta2, c)
        new = old + wide @ wide.T if total else o.beta2 * old + (1 - o.beta2) * wide @ wide.T
        m["S", axis] = new
        out.append(new / (correction(o.beta2, m["t"]) if corrects(o.beta2, c) else 1.0))
    return out


def roots(G: Tensor, m: Memory, o: Any, c: Convention) -> list[Tensor]:
    out = left_out(G.shape, o, c)
    k = max(G.ndim, 1)
    if out and c[WIDE] in (SIDES[0], OTHERS):
        k = max(k - len(out), 1)
    exponent = {"-1/(2k)": -0.5 / k, "-1/k": -1.0 / k, "-1/2": -0.5, "-1/4": -0.25}[c["exponent"]]
    stats = statistics(G, m, o, c)
    counted = m["t"] - (c["roots are new at"] == FRESH[0])
    if "roots" not in m or counted % int(o.period) == 0:
        kind = {"times the largest eigenvalue": "times largest", "eigenvalue floor": "clamp"}
        damping = 0.0 if c["damping"] == "in the start value" else o.eps
        m["roots"] = [power(S, exponent, damping, kind.get(c["damping"], "added")) for S in stats]
        for axis in out:
            flat = torch.diag(stats[axis].diagonal())
            own = power(flat, exponent, damping, kind.get(c["damping"], "added"))
            m["roots"][axis] = own if c[WIDE] == SIDES[2] else torch.eye(len(flat), dtype=G.dtype)
    return m["roots"]


def diagonal_root(G: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    """Return what divides the gradient of a vector whose axis keeps its squares alone."""
    old = m.get("d", o.eps if c["damping"] == "in the start value" else 0.0)
    plain = c["vectors"] == "diagonal" or summed(o.beta2, c)
    m["d"] = old + G * G if plain else o.beta2 * old + (1 - o.beta2) * G * G
    if c["vectors"] == "diagonal":
        return m["d"].sqrt()
    seen = m["d"] / (correction(o.beta2, m["t"]) if corrects(o.beta2, c) else 1.0)
    outside = c["vectors"].endswith("outside the root")
    return seen.sqrt() + o.eps if outside else (seen + o.eps).sqrt()


def ahead(new: Tensor, past: Tensor, o: Any, c: Convention, *, total: bool) -> Tensor:
    """Return momentum, its new part taken once more where Nesterov's is asked for."""
    if not o.nesterov:
        return past
    whole = total or c["nesterov"] == NESTEROV[1]
    return (1.0 if whole else 1 - o.momentum) * new + o.momentum * past


def pushed(G: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    """Return what is preconditioned where momentum is of the gradient."""
    if c["momentum"] == MOMENTUM[5]:
        m["b"] = o.momentum * m.get("b", torch.zeros_like(G)) + G
        return ahead(G, m["b"], o, c, total=True)
    seen = ahead(G, average(m, "b", G, o.momentum), o, c, total=False)
    return seen / (1 - o.momentum ** m["t"]) if c["momentum"] == MOMENTUM[4] else seen


def graft_length(G: Tensor, seen: Tensor, m: Memory, o: Any, c: Convention) -> float:
    """Return the length that a step is brought to: that of another method's step."""
    kind = c["graft"]
    if c.get("graft sees") == GRAFT_SEES[1]:
        seen = G
    if kind == GRAFT[1]:
        return float(G.norm())
    if kind == GRAFTS[4]:
        return float(G.sign().norm())
    if kind == GRAFTS[0]:
        m["squares"] = m.get("squares", torch.zeros_like(G)) + G * G
        return float((seen / (m["squares"].sqrt() + o.graft_eps)).norm())
    beta = o.graft_beta2 if o.graft_beta2 >= 0 else o.beta2
    if beta == 1:
        second = m["squares"] = m.get("squares", torch.zeros_like(G)) + G * G
    else:
        second = average(m, "squares", G * G, beta)
    if kind != GRAFTS[1] and beta < 1:
        second = second / correction(beta, m["t"])
    if kind == GRAFTS[3]:
        seen = average(m, "mean", G, o.graft_beta1) / correction(o.graft_beta1, m["t"])
    return float((seen / (second.sqrt() + o.graft_eps)).norm())


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    mixed = o.momentum and c["momentum"] == MOMENTUM[3]
    if mixed and "b" in m:
        g = (1 - o.momentum) * g + o.momentum * m["b"].reshape(g.shape)
    flat = c["shape"] == "flattened to a matrix" and g.ndim > 2
    G = g.reshape(len(g), -1) if flat else g.reshape(-1) if g.ndim == 0 else g
    if G.ndim == 1 and c["vectors"] == "as one column":
        G = G.reshape(-1, 1)
    early = o.momentum and c["momentum"].startswith("of the gradient")
    seen = pushed(G, m, o, c) if early else G
    entries = G.ndim == 1 or (G.ndim > 2 and c["shape"] == SHAPE[2])
    skipped = c.get(WIDE) in SIDES[3:5] and bool(left_out(G.shape, o, c))
    entries = entries or skipped
    if skipped and c[WIDE] == SIDES[4]:
        step = seen
    elif entries and c["vectors"].startswith("diagonal"):
        step = seen / diagonal_root(G, m, o, c)
    elif entries and c["vectors"] == "plain gradient":
        step = seen
    else:
        step = seen
        for axis, root in enumerate(roots(G, m, o, c)):
            step = multiply(step, root, axis)
    if c["graft"] != GRAFT[0]:
        length, own = graft_length(G, seen, m, o, c), float(step.norm())
        step = step * (length / own) if own > 0 else step
    if mixed:
        m["b"] = step
    elif o.momentum and not early:
        total = "sum" in c["momentum"]
        share = 1.0 if total else 1 - o.momentum
        m["b"] = o.momentum * m.get("b", torch.zeros_like(step)) + share * step
        step = ahead(step, m["b"], o, c, total=total)
    return decayed(p, o.lr * step.reshape(p.shape), o, c)


SHAMPOO = Oracle(
    claim="shampoo",
    for_matrices=True,
    sums_at_one=True,
    forms=("shampoo-grafted",),
    source="Gupta et al. 2018, algorithms 1 and 2; Anil et al. 2021",
    step=per_parameter(rule),
    options={
        "lr": 0.1,
        "eps": 1e-4,
        "momentum": 0.0,
        "weight_decay": 0.0,
        "beta2": 0.99,
        "period": 1,
        "nesterov": False,
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
        "nesterov": NESTEROV,
        "roots are new at": FRESH,
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
    relevant={
        "momentum": "momentum",
        "decay": "weight_decay",
        "nesterov": "nesterov",
        "roots are new at": "period",
    },
    hidden={"beta2": (0.99, 0.999, 0.95)},
    aliases={
        "eps": ("eps", "epsilon", "matrix_eps", "damping"),
        "beta2": ("beta2", "betas[1]", "shampoo_beta", "preconditioner_decay"),
        "period": PERIODS,
    },
)
GRAFTED = replace(
    SHAMPOO,
    claim="shampoo-grafted",
    source="Anil et al. 2021, grafted to AdaGrad; Shi et al. 2023",
    forms=(),
    options={**SHAMPOO.options, "graft_beta1": 0.9, "graft_beta2": -1.0, "graft_eps": 1e-8},
    conventions={
        **SHAMPOO.conventions,
        "damping": (DAMPING[1], DAMPING[4], DAMPING[0], DAMPING[2]),
        "statistics": STATISTICS[::-1],
        "shape": SHAPE[:2],
        "vectors": (*VECTORS[:4:2], VECTORS[3], VECTORS[5]),
        "momentum": (MOMENTUM[4], MOMENTUM[1], MOMENTUM[0], MOMENTUM[2]),
        "exponent": EXPONENT[:3:2],
        "graft": GRAFTS,
        "graft sees": GRAFT_SEES,
    },
    variants={
        "vectors": frozenset({VECTORS[3], VECTORS[5]}),
        "graft": frozenset(GRAFTS),
        "decay": SHAMPOO.variants["decay"],
    },
    departures={
        "exponent": frozenset(EXPONENT[2:3]),
        "decay": SHAMPOO.departures["decay"],
    },
    relevant={**SHAMPOO.relevant, "graft sees": "momentum"},
    hidden={**SHAMPOO.hidden, "graft_eps": (1e-8, 1e-12, 1e-10)},
    aliases={
        **SHAMPOO.aliases,
        "graft_beta1": ("grafting_beta1", "graft_beta1"),
        "graft_beta2": ("grafting_beta2", "graft_beta2", "grafting_beta", "graft_beta"),
        "graft_eps": ("grafting_epsilon", "grafting_eps", "graft_eps", "diagonal_eps"),
    },
    probes={"graft_beta1": 0.83, "graft_beta2": 0.91, "graft_eps": 2e-3},
)
ORACLES = (SHAMPOO, GRAFTED)
