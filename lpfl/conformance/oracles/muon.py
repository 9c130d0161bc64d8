"""Muon: momentum orthogonalised by Newton-Schulz steps.

Sources: Jordan et al. 2024; Liu et al. 2025 (arXiv 2502.16982) for weight decay and the factor
0.2 sqrt(max(m, n)); Bernstein and Newhouse 2024 for sqrt(m / n).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.cautious import masked, with_caution
from lpfl.conformance.oracles.matrices import (
    CONVERGENT,
    CUBIC,
    MODDED,
    POLAR_EXPRESS,
    POLAR_EXPRESS_2,
    QUINTIC,
    newton_schulz,
    polar,
    shrunk,
)
from lpfl.conformance.oracles.moments import SCHEDULED, average, decayed

FACTOR = (
    "sqrt(max(1, m/n))",
    "1",
    "0.2 sqrt(max(m, n))",
    "sqrt(m/n)",
    "sqrt(max(m, n))",
    "max(1, m/n)",
    "sqrt(min(m, n))",
    "0.2 sqrt(m n / rank)",
)
SCHEDULE = (
    "quintic",
    "exact polar factor",
    "quintic, fused, bfloat16",
    "quintic, bfloat16",
    "modded schedule",
    "modded schedule, bfloat16",
    "modded schedule, composed, bfloat16",
    "polar express",
    "polar express, bfloat16",
    "polar express with safety 1 %",
    "polar express with safety 1 %, bfloat16",
    "polar express with safety 2 %",
    "polar express with safety 2 %, bfloat16",
    "cubic",
    "quintic, 6 rounds",
    "quintic, 10 rounds",
    "convergent quintic",
    "convergent quintic, 10 rounds",
    "convergent quintic, 12 rounds",
    "cubic, 10 rounds",
    "cubic, 15 rounds",
)
SCHEDULES = {
    "modded schedule": MODDED,
    "polar express": POLAR_EXPRESS,
    "polar express with safety 1 %": shrunk(POLAR_EXPRESS, 1.01),
    "polar express with safety 2 %": POLAR_EXPRESS_2,
}
NORM = ("floor of the norm", "added to the norm")
DECAY = (
    "times lr",
    "times lr, after the step",
    "not times lr",
    SCHEDULED,
    "ignored",
    "L2 in the gradient",
)
THIRD = ("flattened to a matrix", "a batch of matrices")
SEES = ("momentum", "raw gradient")
BUFFER = (
    "proportional to the sum",
    "sum of the gradients",
    "gradient plus average",
    "Nesterov mix swapped",
    "Nesterov mix with old buffer",
)
AGAINST = ("the gradient", "the momentum")


def factor(kind: str, rows: int, columns: int) -> float:
    """Return the named shape factor of a rows x columns matrix."""
    m, n = float(rows), float(columns)
    table = {
        "sqrt(max(1, m/n))": max(1.0, m / n) ** 0.5,
        "1": 1.0,
        "0.2 sqrt(max(m, n))": 0.2 * max(m, n) ** 0.5,
        "sqrt(m/n)": (m / n) ** 0.5,
        "sqrt(max(m, n))": max(m, n) ** 0.5,
        "max(1, m/n)": max(1.0, m / n),
        "sqrt(min(m, n))": min(m, n) ** 0.5,
        "0.2 sqrt(m n / rank)": 0.2 * (m * n / min(m, n)) ** 0.5,
    }
    return table[kind]


def schedule(kind: str, o: Any) -> Sequence[Sequence[float]]:
    name, _, said = kind.partition(",")
    if name in SCHEDULES:
        return SCHEDULES[name]
    known = {"cubic": CUBIC, "convergent quintic": CONVERGENT}
    one = known.get(name, (o.ns_a, o.ns_b, o.ns_c))
    rounds = said.split()[0] if said.endswith("rounds") else o.ns_steps
    return (one,) * int(rounds)


def orthogonalise(M: Tensor, o: Any, c: Convention) -> Tensor:
    """Return the named approximation of the polar factor of a matrix."""
    kind = c["orthogonalisation"]
    if kind == "exact polar factor":
        return polar(M)
    seen = M.bfloat16() if kind.endswith("bfloat16") else M
    if int(o.ns_steps) == 0:  # the exact factor, or nothing done: no definition says which
        return torch.full_like(M, torch.nan)
    added = c["Newton-Schulz eps"] == "added to the norm"
    order = next((word for word in ("fused", "composed") if word in kind), "")
    polynomial = schedule(kind, o)
    safety = 1.01 if "safety 1 %" in kind else 1.02 if "safety 2 %" in kind else 1.0
    made = newton_schulz(seen, polynomial, eps=o.eps, add=added, safety=safety, order=order)
    return made.to(M.dtype)


def seen_by(g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    """Return what is orthogonalised: the momentum, with Nesterov's correction if asked for."""
    old = m.get("m", torch.zeros_like(g))
    if c["buffer"] == "sum of the gradients":
        m["m"] = o.momentum * old + g
        return g + o.momentum * m["m"] if o.nesterov else m["m"]
    mean = average(m, "m", g, o.momentum)
    if c["orthogonalised"] == "raw gradient":
        return g
    if not o.nesterov:
        return mean
    if c["buffer"] == "gradient plus average":
        return g + mean
    if c["buffer"] == "Nesterov mix swapped":
        return o.momentum * g + (1 - o.momentum) * mean
    inner = old if c["buffer"] == "Nesterov mix with old buffer" else mean
    return (1 - o.momentum) * g + o.momentum * inner


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = g + o.weight_decay * p if c["decay"] == "L2 in the gradient" else g
    seen = seen_by(g, m, o, c)
    if g.ndim == 3 and c["third order"] == THIRD[1]:
        parts = [orthogonalise(x, o, c) for x in seen]
        move = o.lr * factor(c["shape factor"], *g.shape[1:]) * torch.stack(parts)
    else:
        matrix = seen.reshape(len(g), -1)
        move = o.lr * factor(c["shape factor"], *matrix.shape) * orthogonalise(matrix, o, c)
    against = g if c["cautious mask compares with"] == AGAINST[0] else seen
    return decayed(p, masked(move.reshape(p.shape), against, o, c), o, c)


OPTIONS = {
    "lr": 0.02,
    "momentum": 0.95,
    "nesterov": True,
    "weight_decay": 0.0,
    "ns_steps": 5,
    "ns_a": QUINTIC[0],
    "ns_b": QUINTIC[1],
    "ns_c": QUINTIC[2],
    "eps": 1e-7,
    "cautious": False,
}
ALIASES = {
    "ns_steps": ("ns_steps", "backend_steps", "newton_schulz_steps", "num_ns_steps", "iters"),
    "ns_a": ("ns_coefficients[0]",),
    "ns_b": ("ns_coefficients[1]",),
    "ns_c": ("ns_coefficients[2]",),
    "momentum": ("momentum", "mu", "beta", "betas[0]"),
    "eps": ("ns_eps", "eps", "epsilon"),
}

ORACLES = with_caution(
    Oracle(
        claim="muon",
        source="Jordan et al. 2024; Liu et al. 2025",
        step=per_parameter(rule),
        least_axes=2,
        options=OPTIONS,
        conventions={
            "shape factor": FACTOR,
            "orthogonalisation": SCHEDULE,
            "Newton-Schulz eps": NORM,
            "decay": DECAY,
            "orthogonalised": SEES,
            "buffer": BUFFER,
            "third order": THIRD,
            "cautious mask compares with": AGAINST,
        },
        variants={"third order": frozenset(THIRD[1:]), "buffer": frozenset(BUFFER[2:3])},
        departures={
            "orthogonalised": frozenset({"raw gradient"}),
            "decay": frozenset({"ignored", "L2 in the gradient"}),
            "buffer": frozenset(BUFFER[3:]),
            "cautious mask compares with": frozenset(AGAINST[1:]),
        },
        relevant={"decay": "weight_decay", "cautious mask compares with": "cautious"},
        hidden={"nesterov": (True, False)},
        aliases=ALIASES,
        probes={
            "eps": 1e-7,
            "ns_steps": 5,
            "ns_a": QUINTIC[0],
            "ns_b": QUINTIC[1],
            "ns_c": QUINTIC[2],
        },
    ),
)
