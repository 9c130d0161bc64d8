"""Faults that a schedule brings to light, a thawed parameter, and a zero_grad() without argument.

Each stands after the optimizer without the fault.
"""

import torch

from tests.conformance.faulty_groups import Momentum
from tests.conformance.reported.per_parameter import PerParameter


class Heavy(PerParameter, lr=0.1, momentum=0.9):
    """Gradient descent with momentum, which may be 0, and a rate in a number or a tensor."""

    def __init__(self, params, lr=0.1, momentum=0.9):
        super().__init__(params, lr=lr, momentum=momentum)

    def update(self, p, g, state, group):
        if group["momentum"]:
            speed = state.setdefault("speed", torch.zeros_like(p)).mul_(group["momentum"]).add_(g)
        else:
            speed = g
        p -= self.rate(group) * speed

    def rate(self, group):
        return float(group["lr"])


class SpeedFromTheStart(Heavy):
    """Makes its buffers in the first step or never."""

    def update(self, p, g, state, group):
        if not state:
            state["t"] = 0
            if group["momentum"]:
                state["speed"] = torch.zeros_like(p)
        if group["momentum"]:
            g = state["speed"].mul_(group["momentum"]).add_(g)
        p -= self.rate(group) * g


class SwitchedAtTheStart(Heavy):
    """Whether there is momentum is decided in the first step."""

    def update(self, p, g, state, group):
        heavy = state.setdefault("heavy", bool(group["momentum"]))
        super().update(p, g, state, group if heavy else {**group, "momentum": 0.0})


class ReadsTheTensorOnce(Heavy):
    """Keeps the number of a rate until another tensor comes."""

    def rate(self, group):
        if not torch.is_tensor(group["lr"]):
            return group["lr"]
        if group.get("seen") is not group["lr"]:
            group["seen"], group["number"] = group["lr"], float(group["lr"])
        return group["number"]


class OneTensorForAll(Heavy):
    """Makes one tensor of the rate, which all groups hold."""

    def __init__(self, params, lr=0.1, momentum=0.9):
        super().__init__(params, torch.as_tensor(lr, dtype=torch.float64), momentum)


class TensorForEach(OneTensorForAll):
    def add_param_group(self, group):
        super().add_param_group(group)
        self.param_groups[-1]["lr"] = self.param_groups[-1]["lr"].clone()


class Fused(Heavy):
    def __init__(self, params, lr=0.1, momentum=0.9, fused=False):
        super().__init__(params, lr, momentum)
        self.defaults["fused"] = fused
        for group in self.param_groups:
            group.setdefault("fused", fused)
        self.captured = {}


class FusedWithTheFirstRate(Fused):
    """Its fused step has the first rate built in."""

    def rate(self, group):
        if group["fused"]:
            return self.captured.setdefault(id(group), float(group["lr"]))
        return super().rate(group)


class Scaled(Heavy):
    """A group's rate is taken times its lr_scale. It falls by lr_decay when a step is done."""

    def __init__(self, params, lr=0.1, momentum=0.9, lr_scale=1.0, lr_decay=1.0):
        PerParameter.__init__(
            self, params, lr=lr, momentum=momentum, lr_scale=lr_scale, lr_decay=lr_decay
        )

    def run(self, group):
        super().run({**group, "lr": group["lr"] * group["lr_scale"]})
        group["lr"] *= group["lr_decay"]


class ScalesAgain(Scaled):
    def run(self, group):
        group["lr"] *= group["lr_scale"]
        Heavy.run(self, group)


class DecaysForEach(Scaled):
    def run(self, group):
        PerParameter.run(self, group)

    def update(self, p, g, state, group):
        super().update(p, g, state, {**group, "lr": group["lr"] * group["lr_scale"]})
        group["lr"] *= group["lr_decay"]


class LeavesFrozenOut(Heavy):
    def add_param_group(self, group):
        kept = [p for p in group["params"] if p.requires_grad]
        super().add_param_group({**group, "params": kept})


class SaysFrozenAreLeftOut(LeavesFrozenOut):
    """Gradient descent with momentum on the parameters that are trainable when it is built."""


class StateForTrained(Heavy):
    """State is made when it is built, for what is trained then."""

    def __init__(self, params, lr=0.1, momentum=0.9):
        super().__init__(params, lr, momentum)
        self.speeds = {}
        for group in self.param_groups:
            for p in group["params"]:
                if p.requires_grad:
                    self.speeds[p] = torch.zeros_like(p)

    def update(self, p, g, state, group):
        p -= group["lr"] * self.speeds[p].mul_(group["momentum"]).add_(g)


class ClearsWithoutArgument(Heavy):
    def zero_grad(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None


class SparesVectors(Momentum):
    """Gradient descent with momentum; weight decay is for matrices, not for vectors."""

    def update(self, p, g, state, group):
        spared = self.spares(p)
        super().update(p, g, state, {**group, "weight_decay": 0.0} if spared else group)

    def spares(self, p):
        return p.ndim < 2


class SparesTheFirstVectors(SparesVectors):
    """Knows the vectors that it was built with."""

    def __init__(self, params, lr=0.1, momentum=0.9, weight_decay=0.1):
        super().__init__(params, lr, momentum, weight_decay)
        held = [p for group in self.param_groups for p in group["params"]]
        self.vectors = {id(p) for p in held if p.ndim < 2}

    def spares(self, p):
        return id(p) in self.vectors


FAULTS = [
    ("api.unfrozen", LeavesFrozenOut, (), "limit"),
    ("api.unfrozen", StateForTrained, (), "limit"),
    ("api.momentum-raised", SpeedFromTheStart, (), "limit"),
    ("api.lr-tensor", ReadsTheTensorOnce, (), "limit"),
    ("api.lr-read", OneTensorForAll, (), "deviates"),
    ("api.lr-read", ScalesAgain, (), "limit"),
    ("api.paths", FusedWithTheFirstRate, (), "deviates"),
]
"""(check, optimizer, claims, outcome)."""
