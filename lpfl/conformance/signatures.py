"""Which options a factory knows, and how they reach the optimizer."""

import inspect
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import FunctionType
from typing import Any

import torch

MODEL_NAMES = ("model", "module", "net", "network")
NAMED_NAMES = ("named_params", "named_parameters", "model_named_parameters")


class Undrivable(Exception):  # noqa: N818 (an answer, not an error)
    """The optimizer, or this option or shape of it, cannot be driven here; says why."""


UPDATES = re.compile(r"update_(hess|curv|fisher)\w*")
"""Names of methods by which a training loop updates the curvature."""
_ADDRESS = re.compile(r"\b(0x[0-9a-f]+|\d{12,})\b")

_NEEDS_LOSS = re.compile(
    r"\b(without|no|unless)\b[^.]{0,30}\bclosure\b[^.]{0,80}\b(rate|loss|step.size|search)\b|"
    r"\b(rate|loss|step.size|search)\b[^.]{0,80}\b(without|unless)\b[^.]{0,30}\bclosure\b",
    re.IGNORECASE,
)


def needs_loss(words: str) -> bool:
    """Return whether a run without a closure is told to be another one, for want of the loss."""
    return bool(_NEEDS_LOSS.search(words))


def told(error: BaseException) -> str:
    """Return kind and text of an error on one line, shortened, without addresses in memory."""
    text = _ADDRESS.sub("...", " ".join(str(error).split()))
    return f"{type(error).__name__}: {text[:160]}" if text else type(error).__name__


def parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters of a factory; a class's without self; none if it hides them."""
    read = _kept if isinstance(function, type | FunctionType) else inspect.signature
    try:
        return list(read(function).parameters.values())
    except (TypeError, ValueError):
        return []


@lru_cache(maxsize=64)
def _kept(function: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a plain class or function, which is asked for over and over."""
    return inspect.signature(function)


def first_name(function: Callable[..., Any]) -> str:
    """Return the name of the first parameter, in lower case."""
    parameters = parameters_of(function)
    return parameters[0].name.lower() if parameters else ""


def named_options(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the options a factory names, with their defaults; without the first parameter."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {p.name: p.default for p in parameters_of(function)[1:] if p.kind in kinds}


def takes_any_option(function: Callable[..., Any]) -> bool:
    """Return whether a factory takes ``**options``, or hides its signature."""
    parameters = parameters_of(function)
    return not parameters or any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)


def set_option(group: dict[str, Any], name: str, value: Any) -> None:
    """Set an option of a group; a tensor is filled, for it may be shared with compiled code."""
    held = group.get(name)
    if isinstance(held, torch.Tensor) and isinstance(value, bool | int | float):
        held.fill_(value)
    else:
        group[name] = value


def set_options(optimizer: torch.optim.Optimizer, options: Mapping[str, Any]) -> None:
    """Set options on every group.

    Raises: Undrivable for a name that no group has.
    """
    for name, value in options.items():
        groups = [g for g in optimizer.param_groups if name in g]
        if not groups:
            raise Undrivable(f"the optimizer knows no option {name!r}")
        for group in groups:
            set_option(group, name, value)


def own_update(optimizer: Any) -> str:
    """Return the name of a method that updates the curvature and that the training loop calls.

    Empty if there is none without arguments.
    """
    for name in filter(UPDATES.fullmatch, dir(type(optimizer))):
        method = getattr(optimizer, name)
        needed = [
            p for p in parameters_of(method) if p.default is p.empty and p.kind < p.VAR_POSITIONAL
        ]
        if callable(method) and not needed:
            return str(name)
    return ""
