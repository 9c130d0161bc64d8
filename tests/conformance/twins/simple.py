"""SGD, RMSprop, Adagrad, Lion and their kin, with the mistakes of buffers, decay and signs."""

import torch

from tests.conformance.twins.frame import LIMIT, Twin, average, count, method


@method("nesterov", lr=0.01, momentum=0.9, weight_decay=0.0)
def nesterov(p, g, s, o, fault):
    if fault != "decay beside the momentum, not in it":
        g = g + o.weight_decay * p
    old = s.get("v", torch.zeros_like(p))
    v = s["v"] = o.momentum * old + g
    seen = g + o.momentum * (old if fault == "looks ahead with the old buffer" else v)
    if fault == "gradient forgotten in the look-ahead":
        seen = o.momentum * v
    if fault == "decay beside the momentum, not in it":
        p -= o.lr * o.weight_decay**2 * p
    p -= o.lr * seen


@method("momentum", lr=0.01, momentum=0.9, dampening=0.0)
def momentum(p, g, s, o, fault):
    if fault == "stands still without a gradient" and not g.any():
        return
    if "v" not in s:
        s["v"] = g.clone()
    elif fault == "dampening of the buffer":
        s["v"].mul_(o.momentum * (1 - o.dampening)).add_(g)
    elif fault == "buffer reset every tenth step" and count(s) % 10 == 0:
        s["v"] = g.clone()
    else:
        s["v"].mul_(o.momentum).add_(g, alpha=1 - o.dampening)
    p -= o.lr * s["v"]


@method("rmsprop", lr=0.01, alpha=0.99, eps=1e-8, momentum=0.0, centered=False)
def rmsprop(p, g, s, o, fault):
    alpha = 1 - o.alpha if fault == "weight of the gradient for that of the past" else o.alpha
    v = average(s, "v", g * g, alpha)
    if o.centered:
        mean = average(s, "mean", g, alpha)
        v = v - (mean.abs() if fault == "mean not squared" else mean.square())
    step = g / (v.clamp(min=0).sqrt() + o.eps)
    if o.momentum:
        s["b"] = o.momentum * s.get("b", torch.zeros_like(p)) + step
        step = s["b"] if fault != "momentum kept and not used" else step
    p -= o.lr * step


@method("adagrad", lr=0.01, lr_decay=0.0, eps=1e-10)
def adagrad(p, g, s, o, fault):
    t = count(s)
    total = s.setdefault("sum", torch.zeros_like(p))
    total += g.abs() if fault == "sum of sizes, not of squares" else g * g
    rate = o.lr / (1 + (t if fault == "lr falls one step early" else t - 1) * o.lr_decay)
    if fault == "root of order four":
        total = total.sqrt()
    p -= rate * g / (total.sqrt() + o.eps)


@method("adadelta", lr=1.0, rho=0.9, eps=1e-6)
def adadelta(p, g, s, o, fault):
    v = average(s, "v", g * g, o.rho)
    moves = s.setdefault("moves", torch.zeros_like(p))
    step = (moves + o.eps).sqrt() / (v + o.eps).sqrt() * g
    kept = o.lr * step if fault == "moves kept with the rate in them" else step
    moves.mul_(o.rho).add_(kept * kept, alpha=1 - o.rho)
    p -= o.lr * step


@method("lion", lr=1e-3, betas=(0.9, 0.99), weight_decay=0.0)
def lion(p, g, s, o, fault):
    b1, b2 = o.betas[::-1] if fault == "betas swapped" else o.betas
    old = s.get("m", torch.zeros_like(p)).clone()
    m = average(s, "m", g, b2)
    seen = b1 * (m if fault == "updated before use" else old) + (1 - b1) * g
    soft = fault == "hyperbolic tangent for the sign"
    step = (1e3 * seen).tanh() if soft else seen.sign()
    p *= 1 - o.lr * o.weight_decay
    p -= o.lr * step


@method("signum", lr=1e-3, momentum=0.9)
def signum(p, g, s, o, fault):
    seen = g.sign() if fault == "average of signs" else g
    m = average(s, "m", seen, o.momentum)
    p -= o.lr * (m if fault == "average of signs" else m.sign())


@method("lamb", lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0)
def lamb(p, g, s, o, fault):
    t = count(s)
    b1, b2 = o.betas
    m, v = average(s, "m", g, b1) / (1 - b1**t), average(s, "v", g * g, b2) / (1 - b2**t)
    step = m / (v.sqrt() + o.eps)
    sized = step + o.weight_decay * p
    r = step if fault == "ratio without the decay" else sized
    trust = 1.0
    if fault == "weights of zero never move":
        trust = float(p.norm()) / max(float(r.norm()), 1e-30)
    elif fault == "ratio upside down" and p.norm() > 0 and r.norm() > 0:
        trust = float(r.norm() / p.norm())
    elif p.norm() > 0 and r.norm() > 0:
        trust = float(p.norm() / r.norm())
    p -= o.lr * trust * sized


@method("lars", lr=0.1, momentum=0.9, weight_decay=0.0, trust_coefficient=1e-3)
def lars(p, g, s, o, fault):
    size = float(g.norm()) + o.weight_decay * float(p.norm())
    trust = 1.0
    if fault == "zero gradient divides by zero":
        trust = o.trust_coefficient * p.norm() / size if size else p.norm() * float("nan")
    elif p.norm() > 0 and size > 0:
        trust = o.trust_coefficient * float(p.norm()) / size
    if fault == "trust from the norm of all entries squared":
        trust = trust**2 / o.trust_coefficient
    step = g + o.weight_decay * p
    s["v"] = o.momentum * s.get("v", torch.zeros_like(p)) + o.lr * trust * step
    p -= s["v"]


@method("adafactor", lr=0.01, decay=0.8, eps2=1e-3, clip=1.0)
def adafactor(p, g, s, o, fault):
    t = count(s)
    weight = (t + 1 if fault == "decay counted from two" else t) ** -o.decay
    square = g * g + 1e-30
    if p.ndim < 2:
        v = average(s, "v", square, 1 - weight)
    else:
        rows = average(s, "rows", square.mean(-1, keepdim=True), 1 - weight)
        columns = average(s, "columns", square.mean(-2, keepdim=True), 1 - weight)
        mean = rows.mean() if fault == "one mean for a batch of matrices" else rows.mean(-2, True)
        v = rows * columns / mean
    u = g / v.sqrt()
    size = u.norm() if fault == "clip at the norm, not its mean" else u.square().mean().sqrt()
    u = u / (size / o.clip).clamp(min=1.0)
    rms = p.square().mean().sqrt()
    p -= o.lr * (rms if fault == "relative step without a floor" else rms.clamp(min=o.eps2)) * u


@method("rprop", lr=0.01, etas=(0.5, 1.2), step_sizes=(1e-6, 50))
def rprop(p, g, s, o, fault):
    shrink, grow = o.etas[::-1] if fault == "shrinks where signs agree" else o.etas
    size = s.setdefault("size", torch.full_like(p, o.lr))
    agree = g * s.get("previous", torch.zeros_like(p))
    size.mul_(torch.where(agree > 0, grow, torch.where(agree < 0, shrink, 1.0)))
    if fault != "sizes without bounds":
        size.clamp_(*o.step_sizes)
    g = torch.where(agree < 0, torch.zeros_like(g), g)
    s["previous"] = torch.zeros_like(p) if fault == "previous gradient forgotten" else g.clone()
    p -= size * g.sign()


METHODS = {n: v for n, v in globals().items() if type(v).__name__ == "Method"}
TWINS = [
    Twin("nesterov", "looks ahead with the old buffer"),
    Twin("nesterov", "gradient forgotten in the look-ahead"),
    Twin("nesterov", "decay beside the momentum, not in it"),
    Twin("momentum", "dampening of the buffer"),
    Twin("momentum", "stands still without a gradient"),
    Twin("momentum", "buffer reset every tenth step"),
    Twin("rmsprop", "weight of the gradient for that of the past"),
    Twin("rmsprop", "mean not squared"),
    Twin("rmsprop", "momentum kept and not used"),
    Twin("adagrad", "sum of sizes, not of squares"),
    Twin("adagrad", "lr falls one step early"),
    Twin("adagrad", "root of order four"),
    Twin("adadelta", "moves kept with the rate in them"),
    Twin("lion", "betas swapped"),
    Twin("lion", "updated before use"),
    Twin("lion", "hyperbolic tangent for the sign"),
    Twin("signum", "average of signs"),
    Twin("lamb", "ratio without the decay"),
    Twin("lamb", "weights of zero never move", {"api.zero-weights": LIMIT}),
    Twin("lamb", "ratio upside down"),
    Twin("lars", "zero gradient divides by zero", {"api.zero": "deviates"}),
    Twin("lars", "trust from the norm of all entries squared"),
    Twin("adafactor", "decay counted from two"),
    Twin("adafactor", "one mean for a batch of matrices"),
    Twin("adafactor", "clip at the norm, not its mean"),
    Twin("adafactor", "relative step without a floor"),
    Twin("rprop", "shrinks where signs agree"),
    Twin("rprop", "sizes without bounds"),
    Twin("rprop", "previous gradient forgotten"),
]
