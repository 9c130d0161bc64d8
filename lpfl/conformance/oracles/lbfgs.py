"""L-BFGS with one iteration per step and no line search.

Source: Nocedal 1980; Nocedal and Wright 2006, algorithm 7.4 and equation 7.20 for the start
matrix. The first step is scaled by min(1, 1 / |g|_1), as in the libraries.
"""

from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.base import Convention, Gradients, Memory, Oracle, Weights

FIRST = ("min(1, 1 / |g|_1)", "1", "1 / |g|_2")
SMALLEST_CURVATURE = 1e-10


def two_loops(g: Tensor, pairs: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Return H g, H the inverse Hessian of the pairs (s, y), oldest first."""
    if not pairs:
        return g
    q, weights = g.clone(), []
    for s, y in reversed(pairs):
        a = s.dot(q) / s.dot(y)
        weights.append(a)
        q = q - a * y
    s, y = pairs[-1]
    r = q * (s.dot(y) / y.dot(y))
    for (s, y), a in zip(pairs, reversed(weights), strict=True):
        r = r + (a - y.dot(r) / s.dot(y)) * s
    return r


def step(ps: Weights, gs: Gradients, m: Memory, o: Any, c: Convention) -> list[Tensor]:
    g = torch.cat(
        [(torch.zeros_like(p) if g is None else g).reshape(-1) for p, g in zip(ps, gs, strict=True)]
    )
    if float(g.abs().max()) <= o.tolerance_grad:
        return list(ps)
    pairs = m.setdefault("pairs", [])
    rate = o.lr
    if "g" not in m:
        sizes = {FIRST[0]: min(1.0, 1 / float(g.abs().sum())), "1": 1.0}
        rate *= sizes.get(c["first step"], 1 / float(g.norm()))
    else:
        y = g - m["g"]
        if float(y.dot(m["s"])) > SMALLEST_CURVATURE:
            pairs.append((m["s"], y))
            del pairs[: -int(o.history_size)]
    d = -two_loops(g, pairs)
    m["g"], m["s"] = g, rate * d
    after, place = [], 0
    for p in ps:
        after.append(p + m["s"][place : place + p.numel()].reshape(p.shape))
        place += p.numel()
    return after


ORACLES = (
    Oracle(
        claim="lbfgs",
        source="Nocedal 1980; Nocedal and Wright 2006, algorithm 7.4",
        step=step,
        joint=True,
        options={"lr": 1.0, "history_size": 100, "max_iter": 1, "tolerance_grad": 1e-7},
        conventions={"first step": FIRST},
        probes={"history_size": 3, "lr": 0.5},
        fixed={"max_iter": 1, "tolerance_grad": 1e-7},
    ),
)
