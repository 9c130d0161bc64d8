"""Faults in what lies around a step: memory, threads, parameters, errors, gradients, values.

Each stands after the optimizer without the fault.
"""

import threading

import torch

from tests.conformance.reported.per_parameter import PerParameter


class Momentum(PerParameter, lr=0.1, betas=(0.9, 0.99)):
    """Gradient descent on an average of gradients."""

    def __init__(self, params, lr=0.1, betas=(0.9, 0.99)):
        super().__init__(params, lr=lr, betas=betas)

    def average(self, p, g, state, group):
        return state.setdefault("m", torch.zeros_like(p)).lerp_(g, 1 - group["betas"][0])

    def update(self, p, g, state, group):
        p.sub_(self.average(p, g, state, group), alpha=group["lr"])


class FromUnwritten(Momentum):
    """The average begins in memory that nobody wrote, times 0."""

    def average(self, p, g, state, group):
        if "m" not in state:
            state["m"] = torch.empty_like(p).mul_(0.0)
        return super().average(p, g, state, group)


class InItsThread(Momentum):
    """Knows its thread."""

    def __init__(self, params, lr=0.1, betas=(0.9, 0.99)):
        super().__init__(params, lr=lr, betas=betas)
        self.local = threading.local()
        self.local.scale = 1.0

    def __getstate__(self):
        return {k: v for k, v in super().__getstate__().items() if k != "local"}

    def update(self, p, g, state, group):
        super().update(p, g * self.local.scale, state, group)


class ModelsOnly(Momentum):
    """Steps nn.Parameters, and leaves other tensors alone."""

    def update(self, p, g, state, group):
        if isinstance(p, torch.nn.Parameter):
            super().update(p, g, state, group)


class FromTheStorage(Momentum):
    """Steps the first entries of the storage of a parameter."""

    def update(self, p, g, state, group):
        start = torch.empty(0, dtype=p.dtype).set_(p.untyped_storage())[: p.numel()]
        whole = start.view(p.shape) if p.is_contiguous() else p
        super().update(whole, g, state, group)


class OnTheParameter(Momentum):
    """Keeps the average on the parameter itself."""

    def average(self, p, g, state, group):
        if not hasattr(p, "average"):
            p.average = torch.zeros_like(p)
        return p.average.lerp_(g, 1 - group["betas"][0])


class GoesOn(Momentum):
    """Steps every parameter that it has ever had."""

    def add_param_group(self, group):
        super().add_param_group(group)
        self.all = [*getattr(self, "all", []), self.param_groups[-1]]

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.all:
            self.run(group)
        return loss


class Counts(Momentum):
    """The rate falls with the number of steps."""

    first = False

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if self.first:
            self.count()
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if not self.first:
            self.count()
        for group in self.param_groups:
            self.run({**group, "lr": group["lr"] / group["steps"]})
        return loss

    def count(self):
        for group in self.param_groups:
            group["steps"] = group.get("steps", 0) + 1


class CountsBefore(Counts):
    """Counts a step before its closure is called."""

    first = True


class TakesBeforeItLooks(Momentum):
    """Loads options, and looks at the groups then."""

    def load_state_dict(self, state_dict):
        for group, saved in zip(self.param_groups, state_dict["param_groups"], strict=False):
            group.update({k: v for k, v in saved.items() if k != "params"})
        super().load_state_dict(state_dict)


class Catches(Momentum):
    """Steps by what backward() left, whatever was done to it since."""

    def add_param_group(self, group):
        super().add_param_group(group)
        for p in self.param_groups[-1]["params"]:
            if p.requires_grad:
                p.register_post_accumulate_grad_hook(self.catch)

    def catch(self, p):
        self.caught = {**getattr(self, "caught", {}), p: p.grad.clone()}

    def run(self, group):
        caught = getattr(self, "caught", {})
        for p in group["params"]:
            if p.grad is not None:
                self.update(p, caught.pop(p, p.grad), self.state[p], group)


class AddsToPairs(Momentum):
    """Adds a third to its pair of betas."""

    def __init__(self, params, lr=0.1, betas=(0.9, 0.99)):
        super().__init__(params, lr=lr, betas=betas + (0.5,))  # noqa: RUF005 (the fault)


class AsksForTheValue(Momentum):
    """Reads the value of what the closure returns."""

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
            self.last = loss.item()
        for group in self.param_groups:
            self.run(group)
        return loss


PAIRS = [
    ("api.unfilled-memory", Momentum, FromUnwritten, "deviates", "nobody wrote"),
    ("api.thread", Momentum, InItsThread, "limit", "has no attribute 'scale'"),
    ("api.given-parameters", Momentum, ModelsOnly, "limit", "on plain tensors"),
    ("api.given-parameters", Momentum, FromTheStorage, "limit", "pieces of one flat buffer"),
    ("api.given-parameters", Momentum, OnTheParameter, "limit", "on the parameters of another one"),
    ("api.given-parameters", Momentum, GoesOn, "limit", "taken out of param_groups"),
    ("api.interrupted", Counts, CountsBefore, "limit", "whose closure raises once"),
    ("api.interrupted", Momentum, TakesBeforeItLooks, "limit", "has changed the options"),
    ("api.changed-gradients", Momentum, Catches, "limit", "between backward() and step()"),
    ("api.value-forms", Momentum, AddsToPairs, "limit", "betas as a list"),
    ("api.value-forms", Momentum, AsksForTheValue, "limit", "closure that returns None"),
]
"""(check, right, wrong, outcome, words)."""
FAULTS = [(check, wrong, (), outcome) for check, _, wrong, outcome, _ in PAIRS]
