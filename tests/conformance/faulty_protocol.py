"""Faults in what torch lets its users do around a step: hooks, names, graphs, checkpoints.

Each stands after the optimizer without the fault.
"""

import torch

from tests.conformance.reported.per_parameter import PerParameter


class Momentum(PerParameter, lr=0.1):
    def update(self, p, g, state, group):
        held = state.get("speed")
        state["speed"] = g.clone() if held is None else 0.9 * held + g
        p -= group["lr"] * state["speed"]


class KeepsOldMemory(Momentum):
    """Steps in the memory that its parameters had when it was built."""

    def add_param_group(self, group):
        super().add_param_group(group)
        self.memory = {p: p.data for g in self.param_groups for p in g["params"]}

    def update(self, p, g, state, group):
        super().update(self.memory[p], g, state, group)


class Counts(Momentum):
    """Says how many parameters it holds."""

    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.count = sum(len(group["params"]) for group in self.param_groups)


class UsesUp(Momentum):
    """Counts before it keeps them: a generator inside a group is empty then."""

    def __init__(self, params, **options):
        params = list(params)
        groups = params if isinstance(params[0], dict) else [{"params": params}]
        self.count = sum(1 for group in groups for _ in group["params"])
        super().__init__(params, **options)


class NoNames(Momentum):
    """Counts entries, and knows nothing of (name, parameter)."""

    def __init__(self, params, **options):
        params = list(params)
        self.entries = sum(p.numel() for p in params if not isinstance(p, dict))
        super().__init__(params, **options)


class StepOfItsOwn(Momentum):
    """Puts a step on the object, past the one that torch wraps."""

    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.step = self.direct

    def direct(self, closure=None):
        return PerParameter.step(self, closure)


class CallsItsBase(torch.optim.SGD):
    """Calls a step that torch wraps too as soon as there is an SGD."""

    def step(self, closure=None):
        return super().step(closure)


class WrapsItself(Momentum):
    """Wraps its step once more, as torch does already."""

    @torch.optim.Optimizer.profile_hook_step
    def step(self, closure=None):
        return super().step(closure)


class Carries(PerParameter, lr=0.1):
    """Momentum in the open, gradients cut off from their graphs."""

    def step(self, closure=None):
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.state[p]["speed"] = 0.9 * self.state[p].get("speed", 0.0) + self.read(p)
                    p.data.sub_(self.state[p]["speed"].detach(), alpha=group["lr"])
        return loss

    def read(self, p):
        return p.grad.detach()


class KeepsEveryGraph(Carries):
    def read(self, p):
        return p.grad


class Unrolled(torch.optim.Optimizer):
    """SGD; differentiable: whether autograd goes through the step."""

    def __init__(self, params, lr=0.1, differentiable=False):
        super().__init__(params, {"lr": lr, "differentiable": differentiable})

    def step(self, closure=None):
        with torch.enable_grad():
            loss = closure() if closure is not None else None
        for group in self.param_groups:
            with torch.set_grad_enabled(group["differentiable"]):
                for p in group["params"]:
                    if p.grad is not None:
                        self.move(p, group["lr"])
        return loss

    def move(self, p, lr):
        p.sub_(p.grad, alpha=lr)


class CutOff(Unrolled):
    def move(self, p, lr):
        p.data.sub_(p.grad.detach(), alpha=lr)


class HalfTheSlope(Unrolled):
    def move(self, p, lr):
        p.sub_(0.5 * (p.grad + p.grad.detach()), alpha=lr)


class DeclinesInWords(CutOff):
    """SGD. differentiable: for compatibility, not used."""


class Climbs(torch.optim.Optimizer):
    """SAM: up along the gradient, back, and a step with the gradient found there."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure):
        closure = torch.enable_grad()(closure)
        loss, held = closure(), {}
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    held[p] = p.clone()
                    p += 0.05 * p.grad
        closure()
        for group in self.param_groups:
            for p in group["params"]:
                self.finish(p, held, group["lr"])
        return loss

    def finish(self, p, held, lr):
        if p in held:
            p.copy_(held[p])
        if p.grad is not None:
            p.sub_(p.grad, alpha=lr)


class StaysUp(Climbs):
    """Goes back only where the second evaluation gave a gradient."""

    def finish(self, p, held, lr):
        if p.grad is not None:
            super().finish(p, held, lr)


class SaysSo(Climbs):
    """Raises for what the first evaluation gave no gradient: nothing is wrong in silence."""

    def finish(self, p, held, lr):
        p.copy_(held[p])
        super().finish(p, held, lr)


class InBackward(torch.optim.Optimizer):
    """SGD in hooks, which let each gradient go."""

    frees = True

    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})

    def add_param_group(self, group):
        super().add_param_group(group)
        for p in self.param_groups[-1]["params"]:
            p.register_post_accumulate_grad_hook(self.move)

    @torch.no_grad()
    def move(self, p):
        p.sub_(p.grad, alpha=self.param_groups[0]["lr"])
        if self.frees:
            p.grad = None

    def step(self, closure=None):
        return closure() if closure is not None else None

    def zero_grad(self, set_to_none=True):
        pass


class AddsUp(InBackward):
    frees = False


class Merges(Momentum):
    """Keeps what a loaded state has no word of."""

    def load_state_dict(self, state_dict):
        held = {p: dict(state) for p, state in self.state.items()}
        super().load_state_dict(state_dict)
        for p, state in held.items():
            self.state[p] = {**state, **self.state.get(p, {})}


class WarmsUp(PerParameter, lr=0.1, warmup_steps=0):
    """With warmup_steps the rate rises; the count is in the state."""

    def __init__(self, params, lr=0.1, warmup_steps=0):
        super().__init__(params, lr=lr, warmup_steps=warmup_steps)
        self.calls = 0

    def step(self, closure=None):
        self.calls += 1
        return super().step(closure)

    def update(self, p, g, state, group):
        state["t"] = state.get("t", 0) + 1
        n = group["warmup_steps"]
        p -= group["lr"] * (min(1.0, self.count(state) / n) if n else 1.0) * g

    def count(self, state):
        return state["t"]


class WarmsUpAgain(WarmsUp):
    """Counts in an attribute, which no checkpoint holds."""

    def count(self, state):
        return self.calls


FAULTS = [
    ("api.loaded-weights", KeepsOldMemory, (), "limit"),
    ("api.generator", UsesUp, (), "deviates"),
    ("api.named", NoNames, (), "limit"),
    ("api.hooks", StepOfItsOwn, (), "limit"),
    ("api.graph", KeepsEveryGraph, (), "limit"),
    ("api.graph", HalfTheSlope, (), "deviates"),
    ("api.resume", Merges, (), "deviates"),
    ("api.resume", WarmsUpAgain, (), "deviates"),
]
"""(check, optimizer, claims, outcome)."""
