"""Faults in what groups may be: frozen, empty, one tensor, named, with a 0, beside a closure."""

import torch

from tests.conformance.reported.per_parameter import PerParameter


class Momentum(PerParameter, lr=0.1, momentum=0.9, weight_decay=0.1):
    """Gradient descent with momentum and a decay, one group after the other."""

    def __init__(self, params, lr=0.1, momentum=0.9, weight_decay=0.1):
        super().__init__(params, lr=lr, momentum=momentum, weight_decay=weight_decay)

    def update(self, p, g, state, group):
        speed = state.setdefault("speed", torch.zeros_like(p)).mul_(group["momentum"]).add_(g)
        p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(speed, alpha=group["lr"])


class EndsAtFrozen(Momentum):
    """A group without gradients ends the step."""

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            if group["params"] and all(p.grad is None for p in group["params"]):
                return
            self.run(group)


class ZeroIsTheDefault(Momentum):
    def run(self, group):
        super().run({**group, "momentum": group["momentum"] or self.defaults["momentum"]})


class LooksAtTheFirst(Momentum):
    """A group has a first parameter."""

    def run(self, group):
        self.device = group["params"][0].device
        super().run(group)


class ListsItsRows(Momentum):
    """A tensor is taken for the list of its rows."""

    def add_param_group(self, group):
        super().add_param_group({**group, "params": list(group["params"])})


class KnowsItsKeys(Momentum):
    def add_param_group(self, group):
        assert group.keys() <= {"params", *self.defaults}, sorted(group)
        super().add_param_group(group)


class SaysItsKeys(Momentum):
    """Entries other than the options are refused in words."""

    def add_param_group(self, group):
        if not group.keys() <= {"params", *self.defaults}:
            raise ValueError("only the entries of the defaults are supported in a group")
        super().add_param_group(group)


class AsksForEachGroup(Momentum):
    """The closure is evaluated for each group."""

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        for group in self.param_groups:
            if closure is not None:
                with torch.enable_grad():
                    loss = closure()
            self.run(group)
        return loss


FAULTS = [("api.group-contract", EndsAtFrozen, (), "deviates")]
"""(check, optimizer, claims, outcome)."""
