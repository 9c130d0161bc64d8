"""Schedule-free methods, Prodigy, DoG, MARS, Sophia: the mistakes of averages and estimates."""

import torch

from tests.conformance.twins.frame import Frame, Twin, average, count, method


class TwoPoints(Frame):
    """Gradients at y in training, the average x in evaluation."""

    @torch.no_grad()
    def turn(self, *, train):
        for group in self.param_groups:
            beta = group["betas"][0] if "betas" in group else group["momentum"]
            for p in group["params"]:
                s = self.state[p]
                twice = self.fault == "moved by every eval" and not train
                if "z" not in s or (s["train"] is train and not twice):
                    continue
                swapped = self.fault == "modes swapped"
                if train is not swapped:
                    p.lerp_(s["z"], 1 - beta)
                else:
                    p.lerp_(s["z"], 1 - 1 / beta)
                s["train"] = train

    def train(self):
        self.turn(train=True)

    def eval(self):
        self.turn(train=False)


IN_RATE = "bias corrected in the rate"  # no fault: so it is in the first releases
HALVED = "weighed by another rate than the corrected one"
PRESENT = "weighed by the present rate"  # no fault: so it is in the paper


@method("schedule-free", frame=TwoPoints, lr=2.5e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0,
        warmup_steps=0, r=0.0, weight_lr_power=2.0)  # fmt: skip
def schedule_free(p, g, s, o, fault):
    t = count(s)
    z = s.setdefault("z", p.clone())
    s["train"] = True
    beta = o.betas[0]
    v = average(s, "v", g * g, o.betas[1])
    warm = t - 1 if fault == "warm-up a step late" else t
    rate = o.lr * (min(1.0, warm / o.warmup_steps) if o.warmup_steps else 1.0)
    bias = 1 - o.betas[1] ** t
    if fault in (IN_RATE, HALVED):
        rate, bias = rate * bias**0.5, 1.0
    peak = s["peak"] = max(s.get("peak", 0.0), rate / (0.5 if fault == HALVED and t > 1 else 1.0))
    base = rate if fault == PRESENT else peak
    power = 1.0 if fault == "weighed by the rate, whatever the power" else o.weight_lr_power
    weight = t**o.r * base**power
    total = s["total"] = s.get("total", 0.0) + weight
    part = weight / total if total else 0.0
    if fault == "average by a fixed weight":
        part = 0.1 if t > 1 else 1.0
    if fault == "average starts a step late":
        part = weight / (total + weight)
    if fault == "warm-up leaves the weights alone":
        part = 1 / t
    u = g / ((v / bias).sqrt() + o.eps) + o.weight_decay * p
    x = (p - (1 - beta) * z) / beta
    z -= rate * u
    x = x.lerp(z, part)
    p.copy_(beta * x + (1 - beta) * z)


@method("schedule-free-sgd", frame=TwoPoints, lr=1.0, momentum=0.9, weight_decay=0.0)
def schedule_free_sgd(p, g, s, o, fault):
    t = count(s)
    z = s.setdefault("z", p.clone())
    s["train"] = True
    x = (p - (1 - o.momentum) * z) / o.momentum
    z -= o.lr * (g + o.weight_decay * p)
    part = 1 / (t + 1) if fault == "average starts a step late" else 1 / t
    p.copy_(o.momentum * x.lerp(z, part) + (1 - o.momentum) * z)


@method("mars", lr=3e-3, betas=(0.95, 0.99), eps=1e-8, weight_decay=0.0, gamma=0.025)
def mars(p, g, s, o, fault):
    t = count(s)
    b1, b2 = o.betas
    share = o.gamma if fault == "share without its betas" else o.gamma * b1 / (1 - b1)
    c = g + share * (g - s.get("previous", g))
    if fault == "earlier gradient never kept":
        s["previous"] = s.get("previous", g.clone())
    elif fault == "corrected gradient kept for the plain one":
        s["previous"] = c.clone()
    else:
        s["previous"] = g.clone()
    c = c / c.norm().clamp(min=1.0)
    m, v = average(s, "m", c, b1) / (1 - b1**t), average(s, "v", c * c, b2) / (1 - b2**t)
    p *= 1 - o.lr * o.weight_decay
    p -= o.lr * m / (v.sqrt() + o.eps)


class Together(Frame):
    """One estimate for all parameters."""

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            held = [p for p in group["params"] if p.grad is not None]
            states = [self.state[p] for p in held]
            self.rule(held, states, group, self.fault)
        return loss


def total(tensors):
    return sum(float(x.square().sum()) for x in tensors) ** 0.5


@method("dog", frame=Together, lr=1.0, reps_rel=1e-6, weight_decay=0.0)
def dog(ps, states, group, fault):
    shared = group.setdefault("shared", {})
    for p, s in zip(ps, states, strict=True):
        s.setdefault("start", p.clone())
    gone = total([p - s["start"] for p, s in zip(ps, states, strict=True)])
    first = group["reps_rel"] * (1 + total([s["start"] for s in states]))
    farthest = max(shared.get("r", first), gone)
    if fault == "distance may shrink" and "r" in shared:
        farthest = max(gone, first)
    shared["r"] = farthest
    square = total([p.grad for p in ps]) ** 2
    shared["energy"] = shared.get("energy", 0.0) + square
    root = shared["energy"] if fault == "sum of squares without root" else shared["energy"] ** 0.5
    if fault == "energy of the last gradient":
        root = square**0.5
    for p in ps:
        if root:
            step = p.grad + group["weight_decay"] * p
            p -= group["lr"] * farthest / root * step


@method("prodigy", frame=Together, lr=1.0, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, d0=1e-6,
        d_coef=1.0)  # fmt: skip
def prodigy(ps, states, group, fault):
    shared = group.setdefault("shared", {})
    b1, b2 = group["betas"]
    b3 = b2**0.5
    d = shared.setdefault("d", group["d0"])
    rate = d * group["lr"]
    scale = 1.0 if fault == "scale of the estimate forgotten" else d / group["d0"]
    top = below = 0.0
    for p, s in zip(ps, states, strict=True):
        start = s.setdefault("start", p.clone())
        g = p.grad
        s["m"] = b1 * s.get("m", torch.zeros_like(p)) + d * (1 - b1) * g
        weight = d if fault == "second moment times d, not its square" else d * d
        s["v"] = b2 * s.get("v", torch.zeros_like(p)) + weight * (1 - b2) * g * g
        s["s"] = b3 * s.get("s", torch.zeros_like(p)) + scale * rate * g
        way = p - start if fault == "way the other way round" else start - p
        top += scale * rate * float((g * way).sum())
        below += float(s["s"].abs().sum())
    shared["r"] = b3 * shared.get("r", 0.0) + top
    if below == 0:
        return
    for p, s in zip(ps, states, strict=True):
        p *= 1 - rate * group["weight_decay"]
        p -= rate * s["m"] / (s["v"].sqrt() + d * group["eps"])
    new = group["d_coef"] * shared["r"] / below
    shared["d"] = new if fault == "estimate may fall" and new > 0 else max(d, new)


METHODS = {n: v for n, v in globals().items() if type(v).__name__ == "Method"}
TWINS = [
    Twin("schedule_free", HALVED),
    Twin("schedule_free", "modes swapped"),
    Twin("schedule_free", "average by a fixed weight"),
    Twin("schedule_free", "weighed by the rate, whatever the power"),
    Twin("schedule_free", "average starts a step late"),
    Twin("schedule_free", "warm-up leaves the weights alone"),
    Twin("schedule_free", "warm-up a step late"),
    Twin("schedule_free_sgd", "moved by every eval", {"api.mode": "deviates"}),
    Twin("schedule_free_sgd", "average starts a step late"),
    Twin("mars", "share without its betas"),
    Twin("mars", "earlier gradient never kept"),
    Twin("mars", "corrected gradient kept for the plain one"),
    Twin("dog", "distance may shrink"),
    Twin("dog", "sum of squares without root"),
    Twin("dog", "energy of the last gradient"),
    Twin("prodigy", "scale of the estimate forgotten"),
    Twin("prodigy", "second moment times d, not its square"),
    Twin("prodigy", "way the other way round"),
    Twin("prodigy", "estimate may fall"),
]
