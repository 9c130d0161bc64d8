"""Faults that show in a run resumed late, in the order of parameters, or in the run after it.

Each stands after the optimizer without the fault.
"""

import torch

from tests.conformance.faulty_small import Adam
from tests.conformance.reported.per_parameter import PerParameter, corrected


class OneCountForAll(Adam):
    """Loading a checkpoint gives every parameter the largest count."""

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for state in self.state.values():
            state["t"] = max(other["t"] for other in self.state.values())


class CountsByGroup(PerParameter, lr=0.01, betas=(0.9, 0.999), eps=1e-8, t=0):
    """Adam whose steps are counted in the groups."""

    def run(self, group):
        group["t"] += 1
        super().run(group)

    def update(self, p, g, state, group):
        m, v = (state.setdefault(name, torch.zeros_like(p)) for name in "mv")
        b1, b2 = group["betas"]
        m, v = corrected(m.lerp_(g, 1 - b1), v.lerp_(g * g, 1 - b2), group["t"], group)
        p -= group["lr"] * m / (v.sqrt() + group["eps"])


class OneCountOfGroups(CountsByGroup):
    """Loading a checkpoint gives every group the count of the first."""

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group["t"] = self.param_groups[0]["t"]


class LateGroupsDiffer(CountsByGroup):
    """A group that is added later steps half as far: a convention, and none of loading."""

    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.first = set(map(id, (p for group in self.param_groups for p in group["params"])))

    def update(self, p, g, state, group):
        share = 1.0 if id(p) in self.first else 0.5
        super().update(p, g, state, {**group, "lr": share * group["lr"]})


class NormOfEach(PerParameter, lr=0.01, beta=0.9):
    """Momentum of gradients over their length, of whatever method."""

    def update(self, p, g, state, group):
        m = self.held(p, group).setdefault("m", torch.zeros_like(p))
        p -= group["lr"] * m.mul_(group["beta"]).add_(self.scaled(g))

    def scaled(self, g):
        return g / g.norm()

    def held(self, p, group):
        return self.state[p]


class ByShape(NormOfEach):
    def held(self, p, group):
        return self.state[next(q for q in group["params"] if q.shape == p.shape)]


class SaysByShape(ByShape):
    """Weights of the same shape share their momentum."""


class NormOfAll(ByShape):
    """The length is that of the gradients of all, which couples those of other shapes as well."""

    def run(self, group):
        self.norm = sum(p.grad.square().sum() for p in group["params"] if p.grad is not None)
        super().run(group)

    def scaled(self, g):
        return g / self.norm.sqrt()


class MatricesFirst(Adam):
    """Its groups hold matrices before vectors, as they came."""

    def add_param_group(self, group):
        held = group["params"]
        held = [held] if isinstance(held, torch.Tensor) else list(held)
        super().add_param_group({**group, "params": self.ordered(held)})

    def ordered(self, held):
        return sorted(held, key=lambda p: -p.ndim)


class ThroughASet(MatricesFirst):
    def ordered(self, held):
        return list(set(held))


class Rises(PerParameter, lr=0.1, momentum=0.0):
    """momentum_end: after each step momentum goes halfway to it."""

    def __init__(self, params, lr=0.1, momentum=(0.0,), momentum_end=None):
        super().__init__(params, lr=lr, momentum=self.begun(momentum))
        self.end = momentum_end

    def begun(self, momentum):
        return list(momentum)

    def run(self, group):
        super().run(group)
        if self.end is not None:
            group["momentum"][0] += 0.5 * (self.end - group["momentum"][0])

    def update(self, p, g, state, group):
        m = state.setdefault("m", torch.zeros_like(p))
        p -= group["lr"] * m.mul_(group["momentum"][0]).add_(g)


class RisesForGood(Rises):
    """The default itself rises."""

    def __init__(self, params, lr=0.1, momentum=[0.0], momentum_end=None):  # noqa: B006 (the fault)
        super().__init__(params, lr, momentum, momentum_end)

    def begun(self, momentum):
        return momentum


class KeepsFewBits(PerParameter, lr=0.1, few_bits=False):
    """Momentum; few_bits: keep it in bfloat16."""

    restores = True

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for group in self.param_groups if self.restores else ():
            for p in group["params"]:
                if group["few_bits"] and p in self.state:
                    self.state[p]["m"] = self.state[p]["m"].bfloat16()

    def update(self, p, g, state, group):
        kind = torch.bfloat16 if group["few_bits"] else p.dtype
        m = state.setdefault("m", torch.zeros_like(p, dtype=kind))
        wide = m.to(p.dtype).lerp_(g, 0.1)
        m.copy_(wide)
        p -= group["lr"] * wide


class ForgetsFewBits(KeepsFewBits):
    """torch's loading gives the momentum the format of the weights."""

    restores = False


class InWiderBits(Adam):
    """Weights of few bits are made float32 for the step, in a copy."""

    def update(self, p, g, state, group):
        wide = p.float() if p.dtype.itemsize < 4 else p
        super().update(wide, g.to(wide.dtype), state, group)
        if wide is not p:
            self.give_back(p, wide)

    def give_back(self, p, wide):
        p.copy_(wide)


class InWiderMemory(InWiderBits):
    """What is rounded again is another memory."""

    def give_back(self, p, wide):
        p.data = wide.to(p.dtype)


FAULTS = [
    ("api.resume", ForgetsFewBits, (), "numerics"),
    ("api.in-place", InWiderMemory, (), "limit"),
    ("api.resume", OneCountForAll, (), "deviates"),
    ("api.resume", OneCountOfGroups, (), "deviates"),
    ("api.coupling", ByShape, (), "limit"),
    ("api.parameter-order", ThroughASet, (), "deviates"),
    ("api.run-again", RisesForGood, (), "deviates"),
]
"""(check, optimizer, claims, outcome)."""
