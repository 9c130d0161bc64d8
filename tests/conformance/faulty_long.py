"""Small optimizers with one fault each that shows in long runs, sparse gradients or first uses."""

from typing import ClassVar

import torch

from tests.conformance.faulty_small import Adam, Sgd
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments


class OneMinusTwice(Adam):
    """Its bias corrections are subtracted from one twice: it divides by what goes to zero."""

    def update(self, p, g, state, group):
        m, v, t = moments(p, g, state, group)
        b1, b2 = group["betas"]
        p -= group["lr"] * (m / b1**t) / ((v / b2**t).sqrt() + group["eps"])


class Bets(PerParameter, lr=0.01):
    """Its steps grow by a tenth while the gradients agree, and shrink where they turn."""

    def update(self, p, g, state, group):
        before = state.get("g", g)
        factor = torch.where(before * g > 0, 1.1, 0.5)
        state["rate"] = state.get("rate", torch.ones_like(p)) * factor
        state["g"] = g.clone()
        p -= group["lr"] * state["rate"] * g.sign()


class WritesDecay(PerParameter, lr=0.1, weight_decay=0.0, foreach=False):
    """Its foreach path adds the decay to the gradients where they are."""

    in_place = True

    def update(self, p, g, state, group):
        if group["foreach"] and self.in_place:
            g.add_(p, alpha=group["weight_decay"])
        else:
            g = g + group["weight_decay"] * p
        p -= group["lr"] * g


class DecaysBeside(WritesDecay):
    in_place = False


class TunesOnWeights(Sgd):
    """The first update of a number of entries is made twice."""

    seen: ClassVar = set()

    def update(self, p, g, state, group):
        for _ in range(1 if p.numel() in self.seen else 2):
            super().update(p, g, state, group)
        self.seen.add(p.numel())


class RowsOfMaximum(PerParameter, lr=0.01, betas=(0.9, 0.99), eps=1e-8, amsgrad=False):
    """Adam for dense gradients and sparse ones: rows that are not in them keep their moments."""

    keeps, views = True, False

    def update(self, p, g, state, group):
        rows = torch.arange(len(p))
        if g.is_sparse:
            g = g.coalesce()
            rows, g = g.indices()[0], g.values()
            if self.views:
                g = g.view(rows.numel(), -1).view_as(g)
        if not state:
            state.update(t=0, m=torch.zeros_like(p), v=torch.zeros_like(p), top=torch.zeros_like(p))
        state["t"] += 1
        b1, b2 = group["betas"]
        m, v, top = state["m"], state["v"], state["top"]
        m[rows] = b1 * m[rows] + (1 - b1) * g
        v[rows] = b2 * v[rows] + (1 - b2) * g * g
        seen = torch.maximum(top[rows], v[rows]) if group["amsgrad"] else v[rows]
        if self.keeps or len(rows) != len(p) or not p.grad.is_sparse:
            top[rows] = seen
        m, v = corrected(m[rows], seen, state["t"], group)
        p[rows] -= group["lr"] * m / (v.sqrt() + group["eps"])


class ForgetsMaximum(RowsOfMaximum):
    keeps = False


class SaysItForgets(ForgetsMaximum):
    """Adam. With sparse gradients amsgrad is ignored."""


class NeedsRows(RowsOfMaximum):
    views = True


class Dampened(PerParameter, lr=0.01, momentum=0.9, dampening=0.0):
    """Momentum whose buffers each begin with a whole gradient."""

    def update(self, p, g, state, group):
        if "b" not in state:
            state["b"] = g.clone()
        else:
            state["b"] = group["momentum"] * state["b"] + (1 - group["dampening"]) * g
        p -= group["lr"] * state["b"]


class DampensLateOnes(Dampened):
    """Only the first step of all begins buffers with a whole gradient."""

    begun = False

    def update(self, p, g, state, group):
        if self.begun and "b" not in state:
            state["b"] = torch.zeros_like(p)
        super().update(p, g, state, group)

    def step(self, closure=None):
        loss = super().step(closure)
        self.begun = True
        return loss


class RateInTensor(Sgd):
    """Its rate is a tensor, in every group."""

    converts = True

    def add_param_group(self, group):
        super().add_param_group(group)
        rate = self.param_groups[-1]["lr"]
        if self.converts or rate is self.defaults["lr"]:
            self.param_groups[-1]["lr"] = torch.as_tensor(rate, dtype=torch.float64).clone()

    def update(self, p, g, state, group):
        if not isinstance(group["lr"], torch.Tensor):
            raise RuntimeError("lr was changed to a number, use fill_()")
        super().update(p, g, state, {"lr": float(group["lr"])})


class NumbersStayNumbers(RateInTensor):
    converts = False
