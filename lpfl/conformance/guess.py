"""Capabilities guessed where a guess is safe; each with the reason shown to the user."""

import contextlib
import inspect
from typing import Any

import torch

from lpfl.conformance.drives.driven import Buildable
from lpfl.conformance.signatures import MODEL_NAMES, NAMED_NAMES, first_name

DRIVEN_OTHERWISE = frozenset(
    {"model", "fused", "create_graph", "closure", "value_closure", "in_backward"}
)


def guess(subject: Buildable) -> dict[str, str]:
    """Return guessed need -> reason, beside the needs that the spec states."""
    spec = subject.spec
    found = _of_signature(subject)
    needs = spec.needs | found.keys()
    if "model" not in needs and spec.step is None:
        found |= _of_trial(subject, needs)
    return {need: why for need, why in found.items() if need not in spec.needs}


def _of_signature(subject: Buildable) -> dict[str, str]:
    name = first_name(subject.spec.factory)
    if name in MODEL_NAMES:
        return {"model": f"the factory's first argument is called {name!r}"}
    if name in NAMED_NAMES:
        return {"named": f"the factory's first argument is called {name!r}"}
    return {}


def _of_trial(subject: Buildable, needs: frozenset[str]) -> dict[str, str]:
    """Build it on one matrix and take one step; read what it is and what it complains about."""
    p = torch.nn.Parameter(torch.full((6, 4), 0.5, device=subject.device))
    try:
        optimizer = subject.build([("weight", p)] if "named" in needs else [p])
    except AttributeError as error:
        wants = ("modules", "named_modules", "named_parameters", "parameters")
        if any(f"'list' object has no attribute '{name}'" in str(error) for name in wants):
            return {"model": f"given a list of parameters it raises: {error}"}
        return {}
    except Exception as error:
        if "process group" in str(error).lower():
            return {"process_group": f"it raises: {error}"}
        return {}
    found = _of_methods(optimizer)
    if _moves_in_backward(optimizer, p):
        found["in_backward"] = "hooks on the parameters move them, or step() needs what they saw"
    if not (needs | found.keys()) & DRIVEN_OTHERWISE:
        found |= _of_complaint(optimizer, p, found)
    if "closure" in (needs | found.keys()) and _runs_backward(optimizer, p):
        found["own_backward"] = "step() runs the backward pass of what its closure returns"
    return found


def _moves_in_backward(optimizer: Any, p: torch.nn.Parameter) -> bool:
    """Say whether hooks on a parameter move it, or a step without a backward pass does not."""
    if not getattr(p, "_post_accumulate_grad_hooks", None) and not p._backward_hooks:
        return False
    start = p.detach().clone()
    try:
        p.grad = torch.full_like(p, 0.25)
        optimizer.step()
        stepped, p.grad = p.detach().clone(), None
        p.sum().backward()
    except Exception:
        return True
    return torch.equal(start, stepped) or not torch.equal(stepped, p)


def _runs_backward(optimizer: Any, p: torch.nn.Parameter) -> bool:
    """Say whether a step runs the backward pass of a loss whose closure does not."""
    passes: list[torch.Tensor] = []
    hook = p.register_hook(passes.append)
    p.grad = None
    with contextlib.suppress(Exception):
        optimizer.step(lambda: 1.0 + (p - p.detach()).sum())
    hook.remove()
    return bool(passes)


def _of_methods(optimizer: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    if callable(getattr(optimizer, "train", None)) and callable(getattr(optimizer, "eval", None)):
        with contextlib.suppress(AttributeError):  # a wrapper may lack what it wraps
            optimizer.train()
            found["mode"] = "it has the methods train() and eval()"
    if callable(getattr(optimizer, "sampled_params", None)):
        found["sampled"] = "it has the method sampled_params()"
    if callable(getattr(optimizer, "fused_backward", None)):
        found["fused"] = "it has the method fused_backward()"
    if _requires_closure(optimizer):
        found["closure"] = "step() requires its closure"
    groups = getattr(optimizer, "param_groups", [])
    if any(isinstance(g.get("lr"), torch.Tensor) for g in groups):
        found["tensor_lr"] = "group['lr'] is a tensor"
    return found


def _of_complaint(optimizer: Any, p: Any, found: dict[str, str]) -> dict[str, str]:
    """Take a step without closure and graph; a complaint that names one of them is a need."""
    if "sampled" in found:
        return {}
    try:
        if "mode" in found:
            optimizer.train()
        p.grad = torch.full_like(p, 0.25)
        optimizer.step()
    except Exception as error:
        said = str(error).lower()
        why = f"a plain step() raises: {str(error)[:120]}"
        if "create_graph" in said or "does not have a grad_fn" in said:
            return {"create_graph": why}
        if "process group" in said:
            return {"process_group": why}
        if "dense gradients" in said:
            return {"sparse": why}
        if "closure" in said or (isinstance(error, TypeError) and "not callable" in said):
            return {"closure": why}
    return {}


def _requires_closure(optimizer: Any) -> bool:
    try:
        parameters = inspect.signature(optimizer.step).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.name == "closure" and p.default is inspect.Parameter.empty for p in parameters)
