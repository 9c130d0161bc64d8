"""Faults of devices, which a machine without an accelerator does not feel.

Each stands after the optimizer without the fault.
"""

import torch

from tests.conformance.reported.per_parameter import PerParameter


class Momentum(PerParameter, lr=0.1):
    """Momentum; what it holds is made beside the parameter."""

    def new(self, p):
        return torch.zeros_like(p)

    def update(self, p, g, state, group):
        if "speed" not in state:
            state["speed"] = self.new(p)
        state["speed"].mul_(0.9).add_(g)
        p -= group["lr"] * state["speed"]


class MadeOnTheHost(Momentum):
    """Momentum; what it holds is made on torch's default device."""

    def new(self, p):
        return torch.zeros(p.shape, dtype=p.dtype)


class Damped(Momentum):
    """Divides by a damped second moment of the rows; the damping is a matrix of the host."""

    def update(self, p, g, state, group):
        if p.dim() == 2:
            square = g @ g.T + torch.eye(len(g), dtype=g.dtype)
            g = torch.linalg.solve(square, g)
        super().update(p, g, state, group)


class SaysWhere(MadeOnTheHost):
    """Momentum for parameters on the CPU."""


class Takes(Momentum, centred=False):
    """Momentum; centred takes the mean off each gradient."""

    def mean(self, g):
        return torch.tensor([float(g.mean())], dtype=g.dtype, device=g.device)

    def update(self, p, g, state, group):
        super().update(p, g - self.mean(g) if group["centred"] else g, state, group)


class TakesFromTheHost(Takes):
    """Momentum; centred takes the mean off each gradient, through the host."""

    def mean(self, g):
        return torch.tensor([float(g.mean())], dtype=g.dtype)


class Totals(Momentum, total=None):
    """Divides by the root of all squares so far, which lie in the state of each parameter."""

    def update(self, p, g, state, group):
        self.divide(p, g, state, group, state)

    def divide(self, p, g, state, group, held):
        if held.get("total") is None:
            held["total"] = torch.zeros(1, dtype=p.dtype, device=p.device)
        held["total"].add_(g.square().sum())
        super().update(p, g / held["total"].sqrt(), state, group)


class TotalsOfTheGroup(Totals):
    """Divides by the root of all squares so far, which lie in the group."""

    def update(self, p, g, state, group):
        self.divide(p, g, state, group, group)


class LoadsAsSaved(Momentum):
    """Takes the tensors of a checkpoint as they are."""

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        held = [p for group in self.param_groups for p in group["params"]]
        for index, entries in state_dict["state"].items():
            self.state[held[index]].update({k: v.clone() for k, v in entries.items()})


class Coefficients(Momentum):
    """Takes its coefficient from a table of the host, as a number."""

    def update(self, p, g, state, group):
        state["step"] = state.get("step", 0) + 1
        table = torch.linspace(1.0, 0.5, 10)
        super().update(p, g * table[state["step"] % 10].item(), state, group)


class Offloads(Momentum):
    """Keeps its memory on the host and fetches it for each step."""

    def update(self, p, g, state, group):
        speed = state["speed"].to(p.device) if "speed" in state else torch.zeros_like(p)
        speed = 0.9 * speed + g
        p -= group["lr"] * speed
        state["speed"] = torch.empty_like(speed, device="cpu").copy_(speed)


FAULTS = [
    ("api.device", MadeOnTheHost, (), "limit"),
    ("api.device", TakesFromTheHost, (), "limit"),
    ("api.device", TotalsOfTheGroup, (), "limit"),
]
"""(check, optimizer, claims, outcome)."""
