"""Adam and AdamW with the mistakes of moments, bias corrections, decay and maxima."""

import torch

from tests.conformance.twins.frame import LIMIT, Twin, average, count, method

ADAM = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8}


@method("adam", **ADAM, weight_decay=0.0, amsgrad=False, maximize=False)
def adam(p, g, s, o, fault):
    b1, b2 = o.betas[::-1] if fault == "betas swapped" else o.betas
    t = count(s)
    decay = o.weight_decay * p
    if fault == "maximize turns the decay too":
        g = g + decay
        decay = 0.0
    g = -g if o.maximize else g
    if fault == "decay in the first moment only":
        m, v = average(s, "m", g + decay, b1), average(s, "v", g * g, b2)
    else:
        g = g + decay
        v = s.get("v", torch.zeros_like(p)).clone()
        m, new = average(s, "m", g, b1), average(s, "v", g * g, b2)
        v = v if fault == "second moment updated after use" else new
    if fault == "current gradient averaged in twice":
        m = b1 * m + (1 - b1) * g
    if fault == "second moment of the average":
        v = s["v"].copy_(b2 * s.get("kept", torch.zeros_like(p)) + (1 - b2) * m * m)
        s["kept"] = v.clone()
    if o.amsgrad and fault != "amsgrad does nothing":
        top = s.setdefault("top", torch.zeros_like(p))
        torch.maximum(top, v, out=top)
        if fault == "maximum fed back into the average":
            v.copy_(top)
        v = top
    t = t + 1 if fault == "corrected for one step too many" else t
    one, two = 1 - b1**t, 1 - b2**t
    if fault == "both corrected by the first beta":
        two = one
    if fault == "correction outside the root":
        two = two * two
    if fault == "multiplied by the correction":
        two = 1 / two
    if fault == "first step skipped" and t == 1:
        return
    rate = o.lr * min(1.0, t / 5) if fault == "hidden warm-up" else o.lr
    root = (v / two).sqrt()
    if fault == "mean of the denominator":
        root = root.mean()
    p -= rate * (m / one) / (root + o.eps)


@method("adamw", **ADAM, weight_decay=1e-2)
def adamw(p, g, s, o, fault):
    t = count(s)
    m, v = average(s, "m", g, o.betas[0]), average(s, "v", g * g, o.betas[1])
    m, v = m / (1 - o.betas[0] ** t), v / (1 - o.betas[1] ** t)
    step = m / (v.sqrt() + o.eps)
    if fault == "decay divided by the root":
        step = (m + o.weight_decay * p) / (v.sqrt() + o.eps)
    elif fault == "decay of the sign":
        p -= o.lr * o.weight_decay * p.sign()
    elif fault == "decay times lr squared":
        p *= 1 - o.lr**2 * o.weight_decay
    elif fault == "decay grows the weights":
        p *= 1 + o.lr * o.weight_decay
    elif not (
        (fault == "decay on matrices only and not said" and p.ndim < 2)
        or (fault == "decay only at odd steps" and t % 2 == 0)
    ):
        p *= 1 - o.lr * o.weight_decay
    p -= o.lr * step


@method("nadam", lr=2e-3, betas=(0.9, 0.999), eps=1e-8, momentum_decay=4e-3)
def nadam(p, g, s, o, fault):
    t = count(s)
    b1, b2 = o.betas
    first = t - 1 if fault == "schedule one step late" else t
    now, after = (b1 * (1 - 0.5 * 0.96 ** (k * o.momentum_decay)) for k in (first, first + 1))
    product = s["product"] = s.get("product", 1.0) * now
    m, v = average(s, "m", g, b1), average(s, "v", g * g, b2)
    ahead = product if fault == "product without the next factor" else product * after
    seen = (1 - now) / (1 - product) * g + after / (1 - ahead) * m
    p -= o.lr * seen / ((v / (1 - b2**t)).sqrt() + o.eps)


@method("radam", **ADAM)
def radam(p, g, s, o, fault):
    t = count(s)
    b1, b2 = o.betas
    m, v = average(s, "m", g, b1), average(s, "v", g * g, b2)
    top = 2 / (1 - b2) - (0 if fault == "length one too long" else 1)
    now = top - 2 * t * b2**t / (1 - b2**t)
    least = 8 if fault == "threshold of 8" else 5
    if now > least:
        r = (now - 4) * (now - 2) * top / ((top - 4) * (top - 2) * now)
        r = r if fault == "rectified without the root" else r**0.5
        p -= o.lr * r * m / (1 - b1**t) / ((v / (1 - b2**t)).sqrt() + o.eps)
    else:
        p -= o.lr * m / (1 - b1**t)


@method("adamax", lr=2e-3, betas=(0.9, 0.999), eps=1e-8)
def adamax(p, g, s, o, fault):
    t = count(s)
    m = average(s, "m", g, o.betas[0])
    fade = 1.0 if fault == "norm never falls" else o.betas[1]
    u = s["u"] = torch.maximum(s.get("u", torch.zeros_like(p)) * fade, g.abs() + o.eps)
    p -= o.lr / (1 - o.betas[0] ** t) * m / u


@method("adabelief", lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
def adabelief(p, g, s, o, fault):
    t = count(s)
    m = average(s, "m", g, o.betas[0])
    seen = g - m / (1 - o.betas[0] ** t) if fault == "deviation from the corrected mean" else g - m
    v = average(s, "s", seen * seen, o.betas[1]).add_(o.eps)
    p -= o.lr * m / (1 - o.betas[0] ** t) / ((v / (1 - o.betas[1] ** t)).sqrt() + o.eps)


@method("adan", lr=1e-3, betas=(0.98, 0.92, 0.99), eps=1e-8, weight_decay=0.0)
def adan(p, g, s, o, fault):
    t = count(s)
    b1, b2, b3 = o.betas
    change = g - s.get("previous", g)
    change = -change if fault == "difference the other way round" else change
    s["previous"] = g.clone()
    ahead = g + change if fault == "look-ahead without its beta" else g + b2 * change
    m, d, n = average(s, "m", g, b1), average(s, "d", change, b2), average(s, "n", ahead**2, b3)
    seen = m / (1 - b1**t) + b2 * d / (1 - b2**t)
    p -= o.lr * seen / ((n / (1 - b3**t)).sqrt() + o.eps)
    p /= 1 + o.lr * o.weight_decay


@method("adopt", lr=1e-3, betas=(0.9, 0.9999), eps=1e-6)
def adopt(p, g, s, o, fault):
    t = count(s)
    if t == 1:
        s["v"] = g * g
        if fault == "first step taken":
            p -= o.lr * average(s, "m", g / s["v"].sqrt().clamp(min=o.eps), o.betas[0])
        return
    if fault == "normalised by the moment with this gradient":
        average(s, "v", g * g, o.betas[1])
    seen = (g / s["v"].sqrt().clamp(min=o.eps)).clamp(-((t - 1) ** 0.25), (t - 1) ** 0.25)
    if fault != "normalised by the moment with this gradient":
        average(s, "v", g * g, o.betas[1])
    if fault == "clip after the average":
        seen = g / s["v"].sqrt().clamp(min=o.eps)
        p -= o.lr * average(s, "m", seen, o.betas[0]).clamp(-((t - 1) ** 0.25), (t - 1) ** 0.25)
        return
    p -= o.lr * average(s, "m", seen, o.betas[0])


METHODS = {
    name: value
    for name, value in globals().items()
    if name in ("adam", "adamw", "nadam", "radam", "adamax", "adabelief", "adan", "adopt")
}
TWINS = [
    Twin("adam", "betas swapped"),
    Twin("adam", "maximize turns the decay too", {"api.maximize": "deviates"}),
    Twin("adam", "decay in the first moment only"),
    Twin("adam", "second moment updated after use"),
    Twin("adam", "current gradient averaged in twice"),
    Twin("adam", "second moment of the average"),
    Twin("adam", "amsgrad does nothing", {"def.trajectory": LIMIT}),
    Twin("adam", "maximum fed back into the average"),
    Twin("adam", "corrected for one step too many"),
    Twin("adam", "both corrected by the first beta"),
    Twin("adam", "correction outside the root"),
    Twin("adam", "multiplied by the correction"),
    Twin("adam", "first step skipped"),
    Twin("adam", "hidden warm-up"),
    Twin("adam", "mean of the denominator"),
    Twin("adamw", "decay divided by the root"),
    Twin("adamw", "decay of the sign"),
    Twin("adamw", "decay times lr squared"),
    Twin("adamw", "decay grows the weights"),
    Twin("adamw", "decay on matrices only and not said"),
    Twin("adamw", "decay only at odd steps"),
    Twin("nadam", "schedule one step late"),
    Twin("nadam", "product without the next factor"),
    Twin("radam", "length one too long"),
    Twin("radam", "threshold of 8"),
    Twin("radam", "rectified without the root"),
    Twin("adamax", "norm never falls"),
    Twin("adabelief", "deviation from the corrected mean"),
    Twin("adan", "difference the other way round"),
    Twin("adan", "look-ahead without its beta"),
    Twin("adopt", "normalised by the moment with this gradient"),
    Twin("adopt", "clip after the average"),
    Twin("adopt", "first step taken"),
]
