"""Capabilities guessed where a guess is safe; each with the reason shown to the user."""

import inspect
from typing import TYPE_CHECKING, Any

import torch

from lpfl.conformance.signatures import MODEL_NAMES, NAMED_NAMES, first_name

if TYPE_CHECKING:
    from lpfl.conformance.subject import Subject


def guess(subject: "Subject") -> dict[str, str]:
    """Return guessed need -> reason, beside the needs that the spec states."""
    spec = subject.spec
    found: dict[str, str] = {}
    name = first_name(spec.factory)
    if name in MODEL_NAMES:
        found["model"] = f"the factory's first argument is called {name!r}"
    elif name in NAMED_NAMES:
        found["named"] = f"the factory's first argument is called {name!r}"
    needs = spec.needs | found.keys()
    if needs & {"model", "fused"} or spec.step is not None:
        return _without(found, spec.needs)
    optimizer = _probe(subject, named="named" in needs)
    if optimizer is not None:
        found |= _of_methods(optimizer)
    return _without(found, spec.needs)


def _without(found: dict[str, str], stated: frozenset[str]) -> dict[str, str]:
    return {need: why for need, why in found.items() if need not in stated}


def _probe(subject: "Subject", *, named: bool) -> Any:
    p = torch.nn.Parameter(torch.full((6, 4), 0.5, device=subject.device))
    try:
        return subject.build([("weight", p)] if named else [p])
    except Exception:
        return None


def _of_methods(optimizer: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    if callable(getattr(optimizer, "train", None)) and callable(getattr(optimizer, "eval", None)):
        found["mode"] = "it has the methods train() and eval()"
    if callable(getattr(optimizer, "sampled_params", None)):
        found["sampled"] = "it has the method sampled_params()"
    if _requires_closure(optimizer):
        found["closure"] = "step() requires its closure"
    if any(isinstance(g.get("lr"), torch.Tensor) for g in optimizer.param_groups):
        found["tensor_lr"] = "group['lr'] is a tensor"
    return found


def _requires_closure(optimizer: Any) -> bool:
    try:
        parameters = inspect.signature(optimizer.step).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(
        p.name == "closure" and p.default is inspect.Parameter.empty for p in parameters
    )
