"""SOAP: Adam in the eigenbasis of Shampoo's statistics.

Source: Vyas et al. 2024, algorithm 3, and its authors' code: the first gradient only fills the
statistics, the basis of a step comes from the gradients before it, later bases by one step of
power iteration and QR. Vectors are stepped as by Adam, with precondition_1d as matrices are. Below
0, shampoo_beta stands for beta2.
"""

from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.layer_axes import PERIODS
from lpfl.conformance.oracles.matrices import OTHERS, WIDE, left_out, multiply, unfold
from lpfl.conformance.oracles.moments import EPS, correction, denominator

BASIS = ("power iteration and QR", "eigenvectors")
FIRST = ("only fills the statistics", "steps, in its own basis")
STATISTICS = ("average", "sum")
MOMENTUM = ("in the weights' coordinates", "in the basis, not turned")
KERNELS = ("every axis", "flattened to a matrix", "as Adam")
SEES = ("the gradients before it", "its own too")
FRESH = ("every k-th step", "every k-th gradient", "step 1, and every k-th from there")
VECTORS = ("as Adam", "with a basis")
FOLLOWS = ("follows the order of the directions", "keeps its place as directions change order")
NESTEROV = (
    "the gradient weighs as in the average",
    "the gradient weighs as in the average, corrected as in NAdam",
    "the whole gradient beside the average",
)
SIDES = ("the identity there", "as Adam", OTHERS)
DECAY = ("times lr, after the step", "times lr", "ignored")


def project(G: Tensor, bases: list[Tensor], back: bool = False) -> Tensor:
    for axis, Q in enumerate(bases):
        G = multiply(G, Q if back else Q.T, axis)
    return G


def eigenvectors(S: Tensor) -> Tensor:
    return torch.linalg.eigh(S).eigenvectors.flip(1)


def refresh(m: Memory, o: Any, c: Convention) -> None:
    """Replace the bases; entries of the second moment follow the order of their directions."""
    stats = m["S"]
    out = left_out([len(S) for S in stats], o, c)
    if "Q" not in m or c["basis"] == "eigenvectors":
        m["Q"] = [
            torch.eye(len(S), dtype=S.dtype) if axis in out else eigenvectors(S)
            for axis, S in enumerate(stats)
        ]
        return
    new = []
    for axis, (S, Q) in enumerate(zip(stats, m["Q"], strict=True)):
        if axis in out:
            new.append(Q)
            continue
        order = torch.argsort((Q.T @ S @ Q).diagonal(), descending=True)
        if c["second moment"] == FOLLOWS[0]:
            m["v"] = m["v"].index_select(axis, order)
        new.append(torch.linalg.qr(S @ Q[:, order]).Q)
    m["Q"] = new


def learn(G: Tensor, m: Memory, o: Any, c: Convention) -> None:
    old = m.get("S")
    beta = o.shampoo_beta if o.shampoo_beta >= 0 else o.beta2
    share, keep = (1.0, 1.0) if c["statistics"] == "sum" else (1 - beta, beta)
    new = [share * unfold(G, a) @ unfold(G, a).T for a in range(G.ndim)]
    m["S"] = new if old is None else [keep * S + N for S, N in zip(old, new, strict=True)]


def renew(g: Tensor, t: int, m: Memory, o: Any, c: Convention) -> None:
    """Add a gradient to the statistics; replace the bases where it is time."""
    learn(g, m, o, c)
    shift = {FRESH[0]: 0, FRESH[1]: 1, FRESH[2]: -1}[c["basis is new after"]]
    if (t + shift) % int(o.period) == 0:
        refresh(m, o, c)


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    if g.ndim > 2 and c["kernels"] == "flattened to a matrix":
        return step(p.reshape(len(p), -1), g.reshape(len(g), -1), m, o, c).reshape(p.shape)
    return step(p, g, m, o, c)


def step(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    plain = g.ndim < 2 and c["vectors"] == "as Adam" and not o.precondition_1d
    plain = plain or (g.ndim > 2 and c["kernels"] == "as Adam")
    plain = plain or (c.get(WIDE) == SIDES[1] and bool(left_out(g.shape, o, c)))
    fills = c["first gradient"] == "only fills the statistics"
    t = m["t"] - 1 if fills else m["t"]
    if m["t"] == 1:
        m["m"], m["v"] = torch.zeros_like(g), torch.zeros_like(g)
        if not plain:
            learn(g, m, o, c)
            refresh(m, o, c)
        if fills:
            return p
    early = c["basis sees"] == SEES[1]
    if early and not plain and m["t"] > 1:
        renew(g, t, m, o, c)
    bases = [] if plain else m["Q"]
    G = project(g, bases)
    inside = c["momentum"] == "in the basis, not turned"
    m["m"] = o.beta1 * m["m"] + (1 - o.beta1) * (G if inside else g)
    m["v"] = o.beta2 * m["v"] + (1 - o.beta2) * G * G
    mean = m["m"] if inside else project(m["m"], bases)
    first, second = (correction(b, t) if o.bias_correction else 1.0 for b in (o.beta1, o.beta2))
    if o.nesterov:
        later = correction(o.beta1, t + 1) if c["nesterov"] == NESTEROV[1] else first
        share = 1.0 if c["nesterov"] == NESTEROV[2] else 1 - o.beta1
        mean = o.beta1 * mean * (first / later if o.bias_correction else 1.0) + share * G
    ratio = mean / first / denominator(m["v"], o.eps, second, c["eps"])
    move = o.lr * project(ratio, bases, back=True)
    if not plain and not early and m["t"] > 1:
        renew(g, t, m, o, c)
    shrink = 1.0 if c["decay"] == "ignored" else 1 - o.lr * o.weight_decay
    return p * shrink - move if c["decay"] == "times lr" else (p - move) * shrink


ORACLES = (
    Oracle(
        claim="soap",
        for_matrices=True,
        free_bases=True,
        source="Vyas et al. 2024, algorithm 3",
        step=per_parameter(rule),
        options={
            "lr": 3e-3,
            "beta1": 0.95,
            "beta2": 0.95,
            "shampoo_beta": -1.0,
            "eps": 1e-8,
            "weight_decay": 0.0,
            "period": 1,
            "bias_correction": True,
            "nesterov": False,
            "precondition_1d": False,
        },
        asides=({"precondition_1d": True},),
        conventions={
            "basis": BASIS,
            "first gradient": FIRST,
            "eps": (EPS[1], EPS[0], *EPS[2:]),
            "vectors": VECTORS,
            "statistics": STATISTICS,
            "momentum": MOMENTUM,
            "decay": DECAY,
            "basis is new after": FRESH,
            "basis sees": SEES,
            "kernels": KERNELS,
            "second moment": FOLLOWS,
            "nesterov": NESTEROV,
        },
        variants={"first gradient": frozenset(FIRST[1:]), "kernels": frozenset({"as Adam"})},
        departures={
            "decay": frozenset({"ignored"}),
            "momentum": frozenset(MOMENTUM[1:]),
            "second moment": frozenset(FOLLOWS[1:]),
        },
        relevant={"decay": "weight_decay", "nesterov": "nesterov"},
        hidden={"eps": (1e-8,), "period": (1, 10), "shampoo_beta": (-1.0, 0.95)},
        aliases={
            "shampoo_beta": ("shampoo_beta", "beta3", "betas[2]"),
            "period": PERIODS,
            "bias_correction": ("correct_bias", "bias_correction"),
        },
        probes={"shampoo_beta": 0.7},
    ),
)
