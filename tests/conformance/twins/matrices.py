"""Muon, Shampoo, SOAP and their kin, with the mistakes of roots, sides, bases and lengths."""

import torch

from tests.conformance.twins.frame import Twin, average, count, method

QUINTIC = (3.4445, -4.775, 2.0315)


def orthogonal(G, a, b, c, rounds=5):
    """Return roughly the polar factor of a matrix."""
    X = G.T if len(G) > G.shape[1] else G
    X = X / X.norm().clamp(min=1e-7)
    for _ in range(rounds):
        A = X @ X.T
        X = a * X + (b * A + c * A @ A) @ X
    return X.T if len(G) > G.shape[1] else X


def inverse_root(S, order, eps):
    values, Q = torch.linalg.eigh(S.to(torch.promote_types(S.dtype, torch.float32)))
    least = 1e-15 * values.max().clamp(min=1e-30)
    return ((Q * (values.clamp(min=least) + eps) ** (-1 / order)) @ Q.T).to(S.dtype)


@method("muon", lr=0.02, momentum=0.95, nesterov=True, weight_decay=0.0)
def muon(p, g, s, o, fault):
    if p.ndim < 2:
        p -= o.lr * g
        return
    m = s.setdefault("m", torch.zeros_like(p)).mul_(o.momentum).add_(g)
    seen = g + o.momentum * m if o.nesterov else m
    if fault == "sign before the iteration":
        seen = seen.sign()
    flat = seen.flatten(0, -2) if fault == "flattened the other way" else seen.flatten(1)
    a, b, c = QUINTIC
    if fault == "square forgotten in the quintic":
        b, c = b + c, 0.0
    if fault == "rows normed, not the matrix":
        flat = flat / flat.norm(dim=1, keepdim=True).clamp(min=1e-7)
    X = orthogonal(flat, a, b, c, 2 if fault == "two rounds" else 5)
    rows, columns = seen.flatten(1).shape
    long, short = (columns, rows) if fault == "sides swapped in the length" else (rows, columns)
    p *= 1 - (o.lr if fault != "decay not times lr and grows" else -1.0) * o.weight_decay
    p -= o.lr * max(1.0, long / short) ** 0.5 * X.reshape(p.shape)


@method("normuon", lr=0.02, momentum=0.95, beta2=0.95)
def normuon(p, g, s, o, fault):
    if p.ndim < 2:
        p -= o.lr * g
        return
    m = average(s, "m", g, o.momentum)
    X = orthogonal(g.lerp(m, o.momentum).flatten(1), *QUINTIC)
    axis = 0 if fault == "columns for rows" else 1
    v = average(s, "v", X.square().mean(axis, keepdim=True), o.beta2)
    X = X / (v.sqrt() + 1e-10)
    if not X.any():
        return
    size = X.norm() if fault != "size of the largest entry" else X.abs().max()
    p -= o.lr * 0.2 * X.numel() ** 0.5 / size * X.reshape(p.shape)


@method("scion", lr=0.02, momentum=0.9, scale=1.0)
def scion(p, g, s, o, fault):
    m = average(s, "m", g, o.momentum)
    if p.ndim < 2:
        p -= o.lr * o.scale * m / m.square().mean().sqrt().clamp(min=1e-30)
        return
    flat = m.flatten(1)
    rows, columns = flat.shape
    factor = (columns / rows if fault == "length upside down" else rows / columns) ** 0.5
    if fault == "vector norm for matrices":
        step = flat / flat.square().mean().sqrt()
    else:
        step = factor * orthogonal(flat, *QUINTIC)
    p -= o.lr * o.scale * step.reshape(p.shape)


@method("shampoo", lr=0.1, eps=1e-4, momentum=0.0, update_freq=1)
def shampoo(p, g, s, o, fault):
    t = count(s)
    order = 2 * max(p.ndim, 1)
    order = 2 if fault == "root of order two on every side" else order
    order = 4 if fault == "root of order four whatever the axes" else order
    step = g
    for axis, side in enumerate(p.shape):
        wide = g.movedim(axis, 0).reshape(side, -1)
        start = o.eps * torch.eye(side, dtype=p.dtype)
        S = s.setdefault(f"S{axis}", start)
        seen = (
            step.movedim(axis, 0).reshape(side, -1) if fault == "statistics of the step" else wide
        )
        if fault == "first gradient not counted" and t == 1:
            pass
        elif fault == "statistics forget":
            S.copy_(start + seen @ seen.T)
        else:
            S += seen @ seen.T
        if (t - 1) % o.update_freq == 0 and not (fault == "never new after step 5" and t > 5):
            s[f"R{axis}"] = inverse_root(S, order, 0.0 if fault != "damped twice" else o.eps)
        if fault == "left side only" and axis > 0:
            continue
        turned = axis if fault != "every root on the first side" else 0
        if fault == "every root on the first side" and side != p.shape[0]:
            continue
        step = torch.tensordot(s[f"R{axis}"], step, ([1], [turned])).movedim(0, turned)
    if o.momentum:
        s["b"] = o.momentum * s.get("b", torch.zeros_like(p)) + step
        step = s["b"] if fault != "momentum of the gradient, not used" else step
    p -= o.lr * step


@method("soap", lr=3e-3, betas=(0.95, 0.95), shampoo_beta=0.95, eps=1e-8, precondition_frequency=1)
def soap(p, g, s, o, fault):
    t = count(s) - 1
    b1, b2 = o.betas
    wide = torch.promote_types(p.dtype, torch.float32)
    if t == 0:
        s["S"] = [torch.zeros(n, n, dtype=p.dtype) for n in p.shape] if p.ndim > 1 else []
    sides = range(len(s["S"]))
    views = [g.movedim(a, 0).reshape(p.shape[a], -1) for a in sides]

    def learn():
        for S, x in zip(s["S"], views, strict=True):
            beta = b1 if fault == "statistics by the first beta" else o.shampoo_beta
            S.mul_(beta).add_(x @ x.T, alpha=1 - beta)

    def bases():
        return [torch.linalg.eigh(S.to(wide)).eigenvectors.to(p.dtype) for S in s["S"]]

    def turned(x, Qs, back=False):
        for a, Q in enumerate(Qs):
            x = torch.tensordot(Q if back else Q.T, x, ([1], [a])).movedim(0, a)
        return x

    if t == 0:
        learn()
        s["Q"] = bases()
        return
    G = turned(g, s["Q"])
    m = average(s, "m", g, b1)
    v = average(s, "v", g * g if fault == "second moment outside the basis" else G * G, b2)
    mean = m if fault == "first moment not turned" else turned(m, s["Q"])
    root = (v.sqrt() + o.eps) / (1 - b2**t) ** 0.5
    ratio = mean / (1 - b1**t) / root
    old = s["Q"]
    learn()
    if t % o.precondition_frequency == 0 and fault != "basis never new":
        s["Q"] = bases()
    back = old
    if fault == "turned back with the new basis":
        back = s["Q"]
    if fault == "turned back by the transpose":
        back = [Q.T for Q in old]
    p -= o.lr * turned(ratio, back, back=True)


METHODS = {n: v for n, v in globals().items() if type(v).__name__ == "Method"}
TWINS = [
    Twin("muon", "sign before the iteration"),
    Twin("muon", "flattened the other way"),
    Twin("muon", "square forgotten in the quintic"),
    Twin("muon", "rows normed, not the matrix"),
    Twin("muon", "two rounds"),
    Twin("muon", "sides swapped in the length"),
    Twin("muon", "decay not times lr and grows"),
    Twin("normuon", "columns for rows"),
    Twin("normuon", "size of the largest entry"),
    Twin("scion", "length upside down"),
    Twin("scion", "vector norm for matrices"),
    Twin("shampoo", "root of order two on every side"),
    Twin("shampoo", "root of order four whatever the axes"),
    Twin("shampoo", "statistics of the step"),
    Twin("shampoo", "first gradient not counted"),
    Twin("shampoo", "statistics forget"),
    Twin("shampoo", "never new after step 5"),
    Twin("shampoo", "damped twice"),
    Twin("shampoo", "left side only"),
    Twin("shampoo", "every root on the first side"),
    Twin("shampoo", "momentum of the gradient, not used", {"api.options": "deviates"}),
    Twin("soap", "second moment outside the basis"),
    Twin("soap", "first moment not turned"),
    Twin("soap", "basis never new"),
    Twin("soap", "statistics by the first beta"),
    Twin("soap", "turned back with the new basis"),
    Twin("soap", "turned back by the transpose"),
]
