"""Adam, SGD and their kin with options and averages of their own."""

import math

import torch

from tests.conformance.conventions.moments import adam_step
from tests.conformance.reported.per_parameter import PerParameter


class WarmAdam(PerParameter):
    """Adam with a linear warm-up of the learning rate over ``warmup`` steps."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, warmup=100):
        super().__init__(params, **{"lr": lr, "betas": betas, "eps": eps, "warmup": warmup})

    def update(self, p, g, s, o):
        u = adam_step(g, s, o["betas"], o["eps"])
        p -= o["lr"] * min(1.0, s["t"] / max(o["warmup"], 1)) * u


class ScheduledAdamW(PerParameter):
    """AdamW with a warm-up and a cosine to zero of its own, ``total`` steps in all."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, warmup=10, total=1000):
        options = {"lr": lr, "betas": betas, "eps": eps, "warmup": warmup, "total": total}
        super().__init__(params, **options)

    def update(self, p, g, s, o):
        u = adam_step(g, s, o["betas"], o["eps"])
        falling = (1 + math.cos(math.pi * min(1.0, s["t"] / o["total"]))) / 2
        p -= o["lr"] * min(1.0, s["t"] / o["warmup"]) * falling * u


class CentredAdamW(PerParameter):
    """AdamW on gradients whose mean over the inputs is taken out (``gc``)."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, gc=True):
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "gc": gc}
        super().__init__(params, **options)

    def update(self, p, g, s, o):
        if o["gc"] and g.ndim > 1:
            g = g - g.mean(dim=tuple(range(1, g.ndim)), keepdim=True)
        p *= 1 - o["lr"] * o["weight_decay"]
        p -= o["lr"] * adam_step(g, s, o["betas"], o["eps"])


class ClippedAdam(PerParameter):
    """Adam that clips the norm of each gradient at ``clip_norm``."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, clip_norm=1.0):
        super().__init__(params, **{"lr": lr, "betas": betas, "eps": eps, "clip_norm": clip_norm})

    def update(self, p, g, s, o):
        g = g * min(1.0, o["clip_norm"] / (float(g.norm()) + 1e-6))
        p -= o["lr"] * adam_step(g, s, o["betas"], o["eps"])


class StableAdamW(PerParameter):
    """AdamW with Adafactor's clip of the update (Wortsman et al. 2023), ``stable``."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.99), eps=1e-8, stable=True):
        super().__init__(params, **{"lr": lr, "betas": betas, "eps": eps, "stable": stable})

    def update(self, p, g, s, o):
        u = adam_step(g, s, o["betas"], o["eps"])
        v = s["v"] / (1 - o["betas"][1] ** s["t"])
        size = float((g * g / v.clamp(min=o["eps"] ** 2)).mean().sqrt()) if o["stable"] else 1.0
        p -= o["lr"] / max(1.0, size) * u


class PenalisedSgd(PerParameter):
    """SGD with momentum, whose options have names of their own."""

    def __init__(self, params, learning_rate=0.1, momentum=0.9, l2=1e-4):
        super().__init__(params, **{"learning_rate": learning_rate, "momentum": momentum, "l2": l2})

    def update(self, p, g, s, o):
        g = g + o["l2"] * p
        s["v"] = o["momentum"] * s["v"] + g if "v" in s else g.clone()
        p -= o["learning_rate"] * s["v"]


class CorrectedMomentum(PerParameter):
    """SGD with the average of the gradients from zero, corrected as Adam corrects it."""

    def __init__(self, params, lr=0.1, momentum=0.9):
        super().__init__(params, **{"lr": lr, "momentum": momentum})

    def update(self, p, g, s, o):
        s["t"] = s.get("t", 0) + 1
        s["v"] = o["momentum"] * s.get("v", torch.zeros_like(p)) + (1 - o["momentum"]) * g
        p -= o["lr"] * s["v"] / (1 - o["momentum"] ** s["t"])


class UndecayedVectors(PerParameter):
    """AdamW that does not decay biases: vectors are left out."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, **options)

    def update(self, p, g, s, o):
        p *= 1 - o["lr"] * o["weight_decay"] * (p.ndim > 1)
        p -= o["lr"] * adam_step(g, s, o["betas"], o["eps"])


class UndecayedLion(PerParameter):
    """Lion; biases and norms are not decayed."""

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, **{"lr": lr, "betas": betas, "weight_decay": weight_decay})

    def update(self, p, g, s, o):
        m = s.setdefault("m", torch.zeros_like(p))
        p *= 1 - o["lr"] * o["weight_decay"] * (p.ndim > 1)
        p -= o["lr"] * g.lerp(m, o["betas"][0]).sign()
        m.lerp_(g, 1 - o["betas"][1])


class StartsAtOne(PerParameter):
    """RMSprop whose mean square starts at one, eps inside the root."""

    def __init__(self, params, lr=0.01, alpha=0.9, eps=1e-10):
        super().__init__(params, **{"lr": lr, "alpha": alpha, "eps": eps})

    def update(self, p, g, s, o):
        s.setdefault("v", torch.ones_like(p)).lerp_(g * g, 1 - o["alpha"])
        p -= o["lr"] * g / (s["v"] + o["eps"]).sqrt()


class GlobalClip(PerParameter):
    """AdamW after a clip of the norm of all gradients at ``max_grad_norm``."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, max_grad_norm=1.0):
        options = {"lr": lr, "betas": betas, "eps": eps, "max_grad_norm": max_grad_norm}
        super().__init__(params, **options)

    def step(self, closure=None):
        held = [p.grad for o in self.param_groups for p in o["params"] if p.grad is not None]
        self.norm = sum(float(g.square().sum()) for g in held) ** 0.5
        return super().step(closure)

    def update(self, p, g, s, o):
        g = g / max(1.0, self.norm / o["max_grad_norm"])
        p -= o["lr"] * adam_step(g, s, o["betas"], o["eps"])


class RelativeAdafactor(PerParameter):
    """Adafactor with the paper's step min(0.01, 1 / sqrt(t)), times lr."""

    def __init__(self, params, lr=1.0, eps=(1e-30, 1e-3), clip_threshold=1.0, decay_rate=-0.8):
        names = {"eps": eps, "clip_threshold": clip_threshold, "decay_rate": decay_rate}
        super().__init__(params, **{"lr": lr, **names})

    def update(self, p, g, s, o):
        t = s["t"] = s.get("t", 0) + 1
        weight, square = t ** o["decay_rate"], g * g + o["eps"][0]
        means = [square] if g.ndim < 2 else [square.mean(-1, True), square.mean(-2, True)]
        for i, mean in enumerate(means):
            s.setdefault(i, torch.zeros_like(mean)).lerp_(mean, weight)
        v = s[0] if g.ndim < 2 else s[0] * s[1] / s[0].mean(-2, True)
        rms = lambda x: float(x.square().mean().sqrt()) if x.numel() else 0.0  # noqa: E731
        u = g / v.sqrt()
        u = u / max(1.0, rms(u) / o["clip_threshold"])
        p -= o["lr"] * min(0.01, t**-0.5) * max(o["eps"][1], rms(p)) * u


class MarsLion(PerParameter):
    """MARS-Lion (Yuan et al. 2024, algorithm 3)."""

    def __init__(self, params, lr=1e-3, betas=(0.95,), gamma=0.025, weight_decay=0.0):
        options = {"lr": lr, "betas": betas, "gamma": gamma, "weight_decay": weight_decay}
        super().__init__(params, **options)

    def update(self, p, g, s, o):
        (beta,) = o["betas"]
        c = g + o["gamma"] * beta / (1 - beta) * (g - s.get("last", g))
        s["last"] = g.clone()
        c = c / c.norm().clamp(min=1.0)
        s["m"] = beta * s.get("m", torch.zeros_like(p)) + (1 - beta) * c
        p *= 1 - o["lr"] * o["weight_decay"]
        p -= o["lr"] * s["m"].sign()


class DAdaptAdam(torch.optim.Optimizer):
    """D-Adaptation for Adam (Defazio and Mishchenko 2023, algorithm 5)."""

    def __init__(self, params, lr=1.0, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, d0=1e-6):
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "d0": d0}
        super().__init__(params, {**options, "d": d0, "numerator": 0.0})

    @torch.no_grad()
    def step(self, closure=None):
        (o,) = self.param_groups
        (b1, b2), top, size = o["betas"], 0.0, 0.0
        b3, rate = b2**0.5, o["d"] * o["lr"]
        ready = [p for p in o["params"] if p.grad is not None]
        for p in ready:
            s, g = self.state[p], p.grad
            if not s:
                s.update({key: torch.zeros_like(p) for key in "smv"})
            top += rate * float((g * s["s"] / (s["v"].sqrt() + o["eps"])).sum())
            s["m"].mul_(b1).add_(g, alpha=rate * (1 - b1))
            s["v"].mul_(b2).addcmul_(g, g, value=1 - b2)
            s["s"].mul_(b3).add_(g, alpha=rate * (1 - b3))
            size += float(s["s"].abs().sum())
        o["numerator"] = b3 * o["numerator"] + (1 - b3) * top
        if size:
            o["d"] = max(o["d"], o["numerator"] / ((1 - b3) * size))
            for p in ready:
                s = self.state[p]
                p.mul_(1 - rate * o["weight_decay"])
                p.addcdiv_(s["m"], s["v"].sqrt() + o["eps"], value=-1)


RIGHT = [
    (WarmAdam, "adam", ("def.trajectory",)),
    (ScheduledAdamW, "adamw", ("def.trajectory",)),
    (CentredAdamW, "adamw", ("def.trajectory", "api.transpose", "inv.transpose")),
    (ClippedAdam, "adam", ("def.trajectory",)),
    (StableAdamW, "adamw", ("def.trajectory",)),
    (PenalisedSgd, "momentum", ("def.trajectory", "theory.condition-number")),
    (CorrectedMomentum, "momentum", ("def.trajectory",)),
    (UndecayedVectors, "adamw", ("def.trajectory",)),
    (UndecayedLion, "lion", ("def.trajectory",)),
    (StartsAtOne, "rmsprop", ("def.trajectory", "def.scale")),
    (GlobalClip, "adam", ("def.trajectory", "api.coupling")),
    (RelativeAdafactor, "adafactor", ("def.trajectory",)),
    (MarsLion, "mars", ("def.trajectory",)),
    (DAdaptAdam, "dadaptation", ("def.trajectory",)),
]
