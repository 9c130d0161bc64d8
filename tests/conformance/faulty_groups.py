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


class Signs(PerParameter, lr=0.1, signs=False):
    """Gradient descent, by signs in groups that say so."""

    def by_signs(self, group):
        return group["signs"]

    def update(self, p, g, state, group):
        p.sub_(g.sign() if self.by_signs(group) else g, alpha=group["lr"])


class SignsForAll(Signs):
    """The constructor's switch holds for all groups."""

    def by_signs(self, group):
        return self.defaults["signs"]


class SharesItsLength(PerParameter, lr=0.1):
    """Gradients divided by the length of all of them."""

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        held = [(p, group) for group in self.param_groups for p in group["params"]]
        held = [(p, group) for p, group in held if p.grad is not None]
        length = sum(float(p.grad.square().sum()) for p, _ in held) ** 0.5
        for p, group in held if length else ():
            p.sub_(p.grad / length, alpha=self.rate(group))
        return loss

    def rate(self, group):
        return group["lr"]


class FirstRateForAll(SharesItsLength):
    """All groups step at the first one's rate."""

    def rate(self, group):
        return self.param_groups[0]["lr"]


class ClipsAll(PerParameter, lr=0.1, max_grad_norm=None):
    """Gradient descent; max_grad_norm bounds the length of all gradients together."""

    def factor(self, held, most):
        if most is None or not held:
            return 1.0
        return min(1.0, most / float(torch.stack([p.grad.norm() for p in held]).norm()))

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        held = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        factor = self.factor(held, self.param_groups[0]["max_grad_norm"])
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(p.grad * factor, alpha=group["lr"])
        return loss


class ClipsNothing(ClipsAll):
    """The list of lengths may be empty."""

    def factor(self, held, most):
        if most is None:
            return 1.0
        return min(1.0, most / float(torch.stack([p.grad.norm() for p in held]).norm()))


FAULTS = [
    ("api.group-contract", EndsAtFrozen, (), "deviates"),
    ("api.groups", SignsForAll, (), "limit"),
    ("api.groups", FirstRateForAll, (), "deviates"),
    ("api.no-gradient", ClipsNothing, (), "limit"),
]
"""(check, optimizer, claims, outcome)."""
