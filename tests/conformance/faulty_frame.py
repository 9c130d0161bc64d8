"""Faults of the frame around a method: checkpoints, zero_grad, an option at 0, empty weights."""

import torch

from tests.conformance.faulty_small import Adam, Sgd
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments


class AmsGrad(PerParameter, lr=0.01, betas=(0.9, 0.999), eps=1e-8, amsgrad=False):
    """Adam, its second moment replaced by the largest so far if asked for."""

    def update(self, p, g, state, group):
        m, v, t = moments(p, g, state, group)
        if group["amsgrad"]:
            v = state["max"] = torch.maximum(state.get("max", torch.zeros_like(v)), v)
        m, v = corrected(m, v, t, group)
        p -= group["lr"] * m / (v.sqrt() + group["eps"])


class LeavesMaximumOut(AmsGrad):
    """Its checkpoints hold no maximum."""

    def state_dict(self):
        whole = super().state_dict()
        kept = {i: {k: v for k, v in s.items() if k != "max"} for i, s in whole["state"].items()}
        return {**whole, "state": kept}


class TakesMaximumOut(AmsGrad):
    """It writes small checkpoints, and loses what it leaves out of them."""

    def state_dict(self):
        whole = super().state_dict()
        for state in whole["state"].values():
            state.pop("max", None)
        return whole


class FirstGroupAlone(Sgd):
    def zero_grad(self, set_to_none=True):
        for p in self.param_groups[0]["params"]:
            p.grad = None


class LooksTwice(Sgd):
    """Gradient descent."""

    def step(self, closure=None):
        if closure is not None:
            with torch.enable_grad():
                closure()
        return super().step(closure)


class CopiesById(Adam):
    """State under the parameters' ids, which are others in a copy."""

    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.slots = {}

    def __getstate__(self):
        return self.__dict__.copy()

    def update(self, p, g, state, group):
        super().update(p, g, self.slots.setdefault(id(p), {}), group)


class ZeroIsDefault(Adam):
    def update(self, p, g, state, group):
        b1, b2 = group["betas"]
        super().update(p, g, state, {**group, "betas": (b1 or 0.9, b2)})


class MeanOfAll(Sgd):
    """Every gradient is divided by the mean size of all, and an empty one has none."""

    def step(self, closure=None):
        held = [p.grad for group in self.param_groups for p in group["params"]]
        self.size = sum(g.abs().mean() for g in held if g is not None)
        return super().step(closure)

    def update(self, p, g, state, group):
        p -= group["lr"] * g / (1 + self.size)


FAULTS = [
    ("api.resume", LeavesMaximumOut, (), "deviates"),
    ("api.resume", TakesMaximumOut, (), "deviates"),
    ("api.micro-batches", FirstGroupAlone, (), "deviates"),
    ("api.closure", LooksTwice, (), "limit"),
    ("api.zero-options", ZeroIsDefault, (), "limit"),
    ("api.shapes", MeanOfAll, (), "deviates"),
    ("api.copy", CopiesById, (), "limit"),
]
"""(check, optimizer, claims, outcome)."""
