"""Methods that set their own step size from the distance gone: DoG, Prodigy, D-Adaptation.

Sources: Ivgi et al. 2023, equation 1; Mishchenko and Defazio 2023, algorithm 4 (Prodigy);
Defazio and Mishchenko 2023, algorithm 3 (D-Adapt SGD) and 5 (Adam). Distances run over all
parameters. The growth_rate of Prodigy's authors' code, by which an estimate that has left d0 grows
at most in a step, is no part of the paper.
"""

import math
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.base import Convention, Gradients, Memory, Oracle, Weights
from lpfl.conformance.oracles.moments import correction

FIRST = ("as given", "times 1 + norm of the start")
DOG_EPS = ("not used", "1e-8 under the root")
DADAPT_DECAY = ("times the rate", "L2 in the gradient", "ignored")
ESTIMATE = ("used at the next step", "used at once")


def dog(ps: Weights, gs: Gradients, m: Memory, o: Any, c: Convention) -> list[Tensor]:
    ready = [i for i, g in enumerate(gs) if g is not None]
    starts = m.setdefault("starts", {})
    for i in ready:
        starts.setdefault(i, ps[i])
    gone = sum(float((ps[i] - starts[i]).square().sum()) for i in ready) ** 0.5
    if "r" not in m:
        norm = sum(float(p.square().sum()) for p in ps) ** 0.5
        m["r"] = o.first_distance * (1 + norm if c["first distance"] == FIRST[1] else 1.0)
    m["r"] = max(m["r"], gone)
    m["energy"] = m.get("energy", 0.0) + sum(float(g.square().sum()) for g in gs if g is not None)
    energy = m["energy"] + (1e-8 if c["eps"] == DOG_EPS[1] else 0.0)
    rate = o.lr * m["r"] / energy**0.5 if energy > 0 else 0.0
    after = []
    for p, g in zip(ps, gs, strict=True):
        decay = o.weight_decay * p if g is not None else 0.0
        after.append(p if g is None else p - rate * (g + decay))
    return after


def prodigy(ps: Weights, gs: Gradients, m: Memory, o: Any, c: Convention) -> list[Tensor]:
    m["t"] = m.get("t", 0) + 1
    d = m.setdefault("d", o.d0)
    m.setdefault("starts", [p.clone() for p in ps])
    beta3 = o.beta2**0.5
    rate = d * o.lr
    if o.use_bias_correction:
        rate *= correction(o.beta2, m["t"]) ** 0.5 / correction(o.beta1, m["t"])
    scale, top, size = d / o.d0, 0.0, 0.0
    for i, (p, g) in enumerate(zip(ps, gs, strict=True)):
        if g is None:
            continue
        s, mean, v = m.setdefault(("own", i), [torch.zeros_like(p) for _ in range(3)])
        mean = o.beta1 * mean + d * (1 - o.beta1) * g
        v = o.beta2 * v + d * d * (1 - o.beta2) * g * g
        s = beta3 * s + scale * rate * g
        m["own", i] = [s, mean, v]
        top += scale * rate * float((g * (m["starts"][i] - p)).sum())
        size += float(s.abs().sum())
    m["r"] = beta3 * m.get("r", 0.0) + top
    if size == 0:
        return list(ps)
    estimate = o.d_coef * m["r"] / size
    first = max(d, estimate) if d == o.d0 else d
    m["most"] = max(m.get("most", d), estimate)
    new = min(m["most"], first * o.growth_rate)
    after = []
    used = new if c["estimate"] == ESTIMATE[1] else d
    for i, p in enumerate(ps):
        if gs[i] is None:
            after.append(p)
            continue
        _, mean, v = m["own", i]
        step = rate * mean / (v.sqrt() + used * o.eps)
        after.append(p * (1 - o.weight_decay * rate) - step)
    m["d"] = new
    return after


def dadapt_sgd(ps: Weights, gs: Gradients, m: Memory, o: Any, c: Convention) -> list[Tensor]:
    d = m.setdefault("d", o.d0)
    m.setdefault("starts", [p.clone() for p in ps])
    m.setdefault("s", [torch.zeros_like(p) for p in ps])
    if "scale" not in m:
        m["scale"] = sum(float(g.square().sum()) for g in gs if g is not None) ** 0.5
    rate = d * o.lr / m["scale"]
    for i, g in enumerate(gs):
        if g is not None:
            m["top"] = m.get("top", 0.0) + rate * float((g * m["s"][i]).sum())
            m["s"][i] = m["s"][i] + rate * g
    size = sum(float(s.square().sum()) for s in m["s"]) ** 0.5
    m["d"] = max(d, 2 * m.get("top", 0.0) / size) if size else d
    z = [x - s for x, s in zip(m["starts"], m["s"], strict=True)]
    return [o.momentum * p + (1 - o.momentum) * w for p, w in zip(ps, z, strict=True)]


def dadapt_adam(ps: Weights, gs: Gradients, m: Memory, o: Any, c: Convention) -> list[Tensor]:
    m["t"] = m.get("t", 0) + 1
    d = m.setdefault("d", o.d0)
    rate, beta3 = d * o.lr, o.beta2**0.5
    if o.use_bias_correction:
        rate *= correction(o.beta2, m["t"]) ** 0.5 / correction(o.beta1, m["t"])
    top, size, after = 0.0, 0.0, list(ps)
    ready = [(i, g) for i, g in enumerate(gs) if g is not None]
    for i, g in ready:
        g = g + o.weight_decay * ps[i] if c["decay"] == DADAPT_DECAY[1] else g
        s, mean, v = m.get(("own", i), [torch.zeros_like(g) for _ in range(3)])
        top += rate * float((g * s / (v.sqrt() + o.eps)).sum())
        mean = o.beta1 * mean + rate * (1 - o.beta1) * g
        v = o.beta2 * v + (1 - o.beta2) * g * g
        s = beta3 * s + rate * (1 - beta3) * g
        size += float(s.abs().sum())
        m["own", i] = [s, mean, v]
    m["top"] = beta3 * m.get("top", 0.0) + (1 - beta3) * top
    if size == 0:
        return after
    m["d"] = max(d, m["top"] / ((1 - beta3) * size))
    shrink = 1 - rate * o.weight_decay if c["decay"] == DADAPT_DECAY[0] else 1.0
    for i, _ in ready:
        _, mean, v = m["own", i]
        after[i] = shrink * ps[i] - mean / (v.sqrt() + o.eps)
    return after


ORACLES = (
    Oracle(
        claim="dog",
        source="Ivgi et al. 2023, equation 1",
        step=dog,
        joint=True,
        options={"lr": 1.0, "first_distance": 1e-6, "weight_decay": 0.0},
        conventions={"first distance": FIRST, "eps": DOG_EPS},
        hidden={"first_distance": (1e-6, 1e-3, 1e-4)},
        aliases={"first_distance": ("first_distance", "reps_rel", "distance", "init_distance")},
        probes={"lr": 0.7, "first_distance": 1e-2},
    ),
    Oracle(
        claim="prodigy",
        source="Mishchenko and Defazio 2023, algorithm 4",
        step=prodigy,
        joint=True,
        options={
            "lr": 1.0,
            "beta1": 0.9,
            "beta2": 0.999,
            "eps": 1e-8,
            "weight_decay": 0.0,
            "d0": 1e-6,
            "d_coef": 1.0,
            "growth_rate": math.inf,
            "use_bias_correction": False,
        },
        asides=({"growth_rate": 1.05},),
        conventions={"estimate": ESTIMATE},
        aliases={"use_bias_correction": ("use_bias_correction", "bias_correction")},
        probes={"lr": 0.7, "d0": 2e-3, "d_coef": 0.6},
    ),
    Oracle(
        claim="dadaptation",
        forms=("dadaptation-adam",),
        source="Defazio and Mishchenko 2023, algorithm 3",
        step=dadapt_sgd,
        joint=True,
        options={"lr": 1.0, "d0": 1e-6, "momentum": 0.0},
        probes={"lr": 0.6, "d0": 2e-3},
    ),
    Oracle(
        claim="dadaptation-adam",
        source="Defazio and Mishchenko 2023, algorithm 5",
        step=dadapt_adam,
        joint=True,
        options={
            "lr": 1.0,
            "beta1": 0.9,
            "beta2": 0.999,
            "eps": 1e-8,
            "weight_decay": 0.0,
            "d0": 1e-6,
            "use_bias_correction": False,
        },
        conventions={"decay": DADAPT_DECAY},
        departures={"decay": frozenset({"ignored"})},
        relevant={"decay": "weight_decay"},
        hidden={"eps": (1e-8,)},
        aliases={"use_bias_correction": ("use_bias_correction", "bias_correction")},
        probes={"lr": 0.6, "d0": 2e-3},
    ),
)
