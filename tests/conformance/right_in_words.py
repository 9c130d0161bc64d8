"""Optimizers whose docstrings tell what they refuse, or leave to others; a test gives the text."""

import math

import torch

from tests.conformance.reported.per_parameter import PerParameter, corrected, moments


class AdamW(PerParameter):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group), group)
        p *= 1 - group["lr"] * group["weight_decay"]
        p -= group["lr"] * m / (v.sqrt() + group["eps"])


class NeedsEvery(AdamW):
    def step(self, closure=None):
        if any(p.grad is None for group in self.param_groups for p in group["params"]):
            self.refuse()
        return super().step(closure)

    def refuse(self):
        raise RuntimeError("every parameter needs a gradient in every step")


class StumblesOverOne(NeedsEvery):
    def refuse(self):
        raise KeyError("every parameter needs a gradient in every step")


class OneGroup(AdamW):
    def add_param_group(self, group):
        if self.param_groups:
            raise ValueError("there can be no second parameter group")
        super().add_param_group(group)


class NotSaved(AdamW):
    def state_dict(self):
        raise RuntimeError("the state of this optimizer cannot be saved")


class NoRateOfZero(AdamW):
    def update(self, p, g, state, group):
        if group["lr"] <= 0:
            raise ValueError("a step at a rate of 0 is refused: do not call step() instead")
        super().update(p, g, state, group)


class NoClosure(AdamW):
    def step(self, closure=None):
        if closure is not None:
            raise TypeError("step() evaluates no closure: call it yourself before")
        return super().step()


class NoZeros(AdamW):
    def update(self, p, g, state, group):
        if not state and not bool(p.any()):
            raise ValueError("weights that are all zero were never initialised")
        super().update(p, g, state, group)


class Contiguous(AdamW):
    def update(self, p, g, state, group):
        if not (p.is_contiguous() and g.is_contiguous()):
            raise ValueError("weights and gradients are to lie contiguously in memory")
        super().update(p, g, state, group)


class NoNames(AdamW):
    def __init__(self, params, lr=1e-3):
        params = list(params)
        if any(isinstance(p, tuple) for p in params):
            raise TypeError("pairs of names and parameters are refused: hand over the parameters")
        super().__init__(params, lr)


class OneFormat(AdamW):
    """Its base, in another file, calls the method that raises."""

    def update(self, p, g, state, group):
        self.look_at(p)
        super().update(p, g, state, group)

    def look_at(self, p):
        if p.dtype != torch.float32:
            raise TypeError(f"float32 parameters alone are taken, got {p.dtype}")


class StumblesOverFormats(OneFormat):
    def look_at(self, p):
        p.new_zeros(1).to(torch.float32) @ p.new_zeros(1)


class SoftClip(AdamW):
    def __init__(self, params, lr=1e-3, clip_grad=None):
        super().__init__(params, lr)
        self.clip_grad = clip_grad

    def update(self, p, g, state, group):
        bound = self.clip_grad
        super().update(p, bound * torch.tanh(g / bound) if bound else g, state, group)


class GroupClip(AdamW):
    def __init__(self, params, lr=1e-3, clip_norm=None):
        super().__init__(params, lr)
        self.clip_norm = clip_norm

    def run(self, group):
        given = [p.grad.double().square().sum() for p in group["params"] if p.grad is not None]
        norm = math.sqrt(sum(map(float, given)))
        self.factor = min(1.0, self.clip_norm / norm) if self.clip_norm and norm else 1.0
        super().run(group)

    def update(self, p, g, state, group):
        super().update(p, g * self.factor, state, group)


class Skips(AdamW):
    def __init__(self, params, lr=1e-3, max_skips=20):
        super().__init__(params, lr)
        self.max_skips, self.skips = max_skips, 0

    def run(self, group):
        given = [p.grad for p in group["params"] if p.grad is not None]
        if all(bool(g.isfinite().all()) for g in given):
            self.skips = 0
            super().run(group)
        else:
            self.skips += 1
        if self.max_skips and self.skips > self.max_skips:
            raise RuntimeError("too many steps were left out")


class DecaySplit(torch.optim.AdamW):
    """AdamW, also of complex parameters. Vectors and numbers are not decayed."""

    def __init__(self, params, lr=1e-3, weight_decay=0.1):
        params = list(params)
        if params and not isinstance(params[0], dict | tuple):
            matrices = [p for p in params if p.ndim > 1]
            others = [p for p in params if p.ndim <= 1]
            sets = ((matrices, weight_decay), (others, 0.0))
            params = [{"params": some, "weight_decay": decay} for some, decay in sets if some]
        super().__init__(params, lr=lr, weight_decay=weight_decay)


class ByMagnitude(DecaySplit):
    """AdamW, also of complex parameters. Small entries are left where they are."""

    @torch.no_grad()
    def step(self, closure=None):
        params = [p for group in self.param_groups for p in group["params"]]
        before = [p.detach().clone() for p in params]
        loss = super().step(closure)
        for p, old in zip(params, before, strict=True):
            p.copy_(torch.where(old.abs() < old.abs().mean(), old, p))
        return loss


class Every(AdamW):
    def __init__(self, params, lr=1e-3, k=5):
        super().__init__(params, lr)
        self.k = k


class PartlyDecayed(PerParameter, lr=0.01):
    """SGD that shrinks matrices in each step, by a built-in decay; vectors are not decayed."""

    def update(self, p, g, state, group):
        if p.ndim > 1:
            self.pull(p, group)
        p -= group["lr"] * g

    def pull(self, p, group):
        p *= 1 - 0.01 * group["lr"]


class PartlyGrown(PartlyDecayed):
    def pull(self, p, group):
        p *= 1 + 0.01 * group["lr"]


class PartlyPushed(PartlyDecayed):
    def pull(self, p, group):
        p -= 0.01 * group["lr"] * p.sign()
