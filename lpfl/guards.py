"""Checks of what functions are given: every error names the argument, the value and the bound."""

import math
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import torch
from torch import Tensor

LARGEST_COUNT = 2**31 - 1
_P = ParamSpec("_P")
_R = TypeVar("_R")
_OF_ARGUMENTS = (RuntimeError, AttributeError, IndexError, OverflowError, TypeError)
"""What torch raises for arguments of another shape, type or size."""


def on_tensors(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a function of tensors raise ValueError where its arguments do not fit, naming them."""

    @wraps(function)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return function(*args, **kwargs)
        except torch.OutOfMemoryError:
            raise
        except _OF_ARGUMENTS as error:
            given = [shown(value) for value in args]
            given += [f"{name}={shown(value)}" for name, value in kwargs.items()]
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise ValueError(f"{function.__name__}({', '.join(given)}): {first}") from error

    return guarded


def shown(value: Any) -> str:
    """Return shape and dtype of a tensor, the shortened text of anything else."""
    if isinstance(value, Tensor):
        return f"{tuple(value.shape)} {value.dtype}".replace("torch.", "")
    text = " ".join(repr(value).split())
    return text if len(text) <= 40 else text[:37] + "..."


def real(name: str, value: object) -> float:
    """Return ``value`` as a float; refuse text, booleans, complex numbers, lists and None."""
    if type(value) is float or (type(value) is int and abs(value) <= LARGEST_COUNT):
        return float(value)
    known: Any = value
    alone = getattr(value, "ndim", 0) == 0 and not isinstance(value, bool | np.bool_ | str | bytes)
    if alone and hasattr(known, "__float__") and not np.iscomplexobj(known):
        try:
            return float(known)
        except (TypeError, ValueError, OverflowError, RuntimeError):
            pass
    raise ValueError(f"{name}={value!r}, needs a real number")


def number(
    name: str,
    value: object,
    *,
    above: float = -math.inf,
    least: float = -math.inf,
    below: float = math.inf,
    most: float = math.inf,
) -> float:
    """Return ``value`` as a finite float with above < value < below and least <= value <= most."""
    found = real(name, value)
    inside = math.isfinite(found) and above < found < below and least <= found <= most
    if not inside:
        bounds = (f"> {above:g}", f">= {least:g}", f"< {below:g}", f"<= {most:g}")
        said = [words for words in bounds if "inf" not in words]
        raise ValueError(f"{name}={value!r}, needs " + " and ".join(["finite", *said]))
    return found


def count(name: str, value: object, *, least: int = 1, most: int | None = None) -> int:
    """Return ``value`` as an integer within its bounds (most: default 2^31 - 1)."""
    bound = f">= {least}" if most is None else f"{least} <= {name} <= {most}"
    found = real(name, value)
    if not found.is_integer():
        raise ValueError(f"{name}={value!r}, needs an integer, {bound}")
    if not least <= found <= (LARGEST_COUNT if most is None else most):
        raise ValueError(f"{name}={value!r}, needs {bound}")
    return int(found)


def truth(name: str, value: object) -> bool:
    """Return ``value`` if it is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name}={value!r}, needs True or False")
    return bool(value)


def require_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise ValueError unless ``value`` is one of ``choices``."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name}={value!r}, needs one of {choices}")


def tensor(
    name: str, value: object, axes: int, *, last: int | None = None, empty: bool = False
) -> None:
    """Refuse what is no tensor of real floating-point numbers with ``axes`` or more axes.

    empty: whether one of the last ``axes`` may be, as the complement of the whole space is.
    last: what the length of the last axis must be.
    """
    if not isinstance(value, Tensor):
        raise ValueError(f"{name} is a {type(value).__name__}, needs a torch tensor")
    if not torch.is_floating_point(value):
        raise ValueError(f"{name} has dtype {value.dtype}, needs real floating-point numbers")
    if value.ndim < axes or (not empty and 0 in value.shape[value.ndim - axes :]):
        words = f"{axes} axes" if empty else f"{axes} axes, none empty"
        raise ValueError(f"{name} has shape {tuple(value.shape)}, needs {words}")
    if last is not None and value.shape[-1] != last:
        raise ValueError(f"{name} has shape {tuple(value.shape)}, needs a last axis of {last}")


def square(name: str, value: object, size: int | None = None) -> None:
    """Refuse what is no square matrix, or a batch of them, of this size."""
    tensor(name, value, 2, last=size)
    assert isinstance(value, Tensor)
    if value.shape[-1] != value.shape[-2]:
        raise ValueError(f"{name} has shape {tuple(value.shape)}, needs a square matrix")
