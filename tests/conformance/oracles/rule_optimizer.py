"""Optimizers from one function per parameter: right ones, and the same with one planted fault."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Rule = Callable[[Tensor, Tensor, dict[str, Any], dict[str, Any]], Tensor]
"""rule(p, g, state, group) -> step to subtract; state["t"] counts the parameter's gradients."""


def optimizer(rule: Rule, **defaults: Any) -> Callable[..., torch.optim.Optimizer]:
    """Return a factory of optimizers that subtract ``rule``'s step."""

    class RuleOptimizer(torch.optim.Optimizer):
        def __init__(self, params: Any, **options: Any) -> None:
            super().__init__(params, {**defaults, **options})

        @torch.no_grad()
        def step(self, closure: Any = None) -> Any:
            loss = None
            if closure is not None:
                with torch.enable_grad():
                    loss = closure()
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        state = self.state[p]
                        state["t"] = state.get("t", 0) + 1
                        p.sub_(rule(p, p.grad, state, group))
            return loss

    return RuleOptimizer


def average(state: dict[str, Any], key: str, value: Tensor, beta: float) -> Tensor:
    """Return the moving average from zero, kept in the state."""
    old = state.get(key)
    state[key] = (1 - beta) * value if old is None else beta * old + (1 - beta) * value
    return state[key]


ADAM = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0}


def adam(fault: str = "") -> Rule:
    """Return Adam's rule, or the rule with a fault."""

    def rule(p: Tensor, g: Tensor, state: dict[str, Any], o: dict[str, Any]) -> Tensor:
        b1, b2 = o["betas"]
        t = state["t"]
        if fault == "decoupled decay":
            decay = o["lr"] * o["weight_decay"] * p
        else:
            g, decay = g + o["weight_decay"] * p, torch.zeros_like(p)
        if fault == "stale second moment" and t > 1:
            v = average(state, "v", state["last"] ** 2, b2)
        else:
            v = average(state, "v", g * g, b2)
        state["last"] = g.clone()
        m = average(state, "m", g, b1)
        first, second, eps = 1 - b1**t, 1 - b2**t, o["eps"]
        if fault == "correction of the wrong power":
            second = second**2
        if fault == "step 1 only":
            first = 1.0 if t == 1 else first
        if fault == "counts from zero":
            first, second = 1 - b1 ** max(t - 1, 1), 1 - b2 ** max(t - 1, 1)
        if fault == "half epsilon":
            eps = eps / 2
        if fault == "epsilon times lr":
            eps = eps * o["lr"]
        if fault == "betas swapped at vectors" and p.ndim == 1:
            m = average(state, "m2", g, b2)
        move = m / first / ((v / second).sqrt() + eps)
        if fault == "sum of absolute values":
            move = m / first / (average(state, "a", g.abs(), b2) / second + eps)
        return o["lr"] * ((-move if fault == "ascends" else move) * scale(fault, p)) + decay

    return rule


def scale(fault: str, p: Tensor) -> float:
    """Return the factor that a fault puts on the step."""
    if fault == "half the step":
        return 0.5
    if fault == "factor by shape":
        return float(p.shape[0] ** 0.5 / p.shape[-1])
    return 1.0


def momentum(fault: str = "") -> Rule:
    """Return heavy-ball momentum with Nesterov's form as an option, or with a fault."""

    def rule(p: Tensor, g: Tensor, state: dict[str, Any], o: dict[str, Any]) -> Tensor:
        g = g + o["weight_decay"] * p
        mu = o["momentum"]
        old = state.get("v")
        sign = -1 if fault == "momentum sign" else 1
        if fault == "buffer reset every fifth step" and state["t"] % 5 == 0:
            old = None
        state["v"] = g.clone() if old is None else sign * mu * old + g
        seen = state["v"]
        if o["nesterov"]:
            inner = old if fault == "Nesterov with the old buffer" and old is not None else seen
            seen = g + mu * inner
            if fault == "Nesterov mix swapped":
                seen = mu * g + state["v"]
        return o["lr"] * seen

    return rule


def shampoo(fault: str = "") -> Rule:
    """Return Shampoo's rule on tensors of any order, or with a fault."""

    def rule(p: Tensor, g: Tensor, state: dict[str, Any], o: dict[str, Any]) -> Tensor:
        step, seen = g, g
        for axis, n in enumerate(g.shape):
            wide = seen.movedim(axis, 0).reshape(n, -1)
            start = o["eps"] * torch.eye(n, dtype=g.dtype)
            name = f"S{axis}"
            state[name] = state.get(name, start) + wide @ wide.T
            values, vectors = torch.linalg.eigh(state[name])
            k = 2 * g.ndim
            if fault == "errors that cancel at step 1":
                k = g.ndim
            root = (vectors * values.clamp(min=1e-300) ** (-1 / k)) @ vectors.T
            step = torch.tensordot(root, step, dims=([1], [axis])).movedim(0, axis)
            if fault == "errors that cancel at step 1":
                seen = step
        if fault == "tall scaled" and g.ndim == 2 and g.shape[0] > g.shape[1]:
            step = step * 1.01
        return o["lr"] * step

    return rule
