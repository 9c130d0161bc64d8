"""Checks of arguments: every error shows the value and the bound."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

LARGEST_COUNT = 2**31 - 1
_SYMMETRY_TOLERANCE = 1e-10
_P = ParamSpec("_P")
_R = TypeVar("_R")


def real(name: str, value: object) -> float:
    """Return ``value`` as a float; refuse text, booleans, complex numbers, lists and None."""
    kind = np.asarray(value).dtype.kind if isinstance(value, np.ndarray | np.generic) else ""
    if (
        isinstance(value, bool)
        or kind not in ("", "i", "u", "f")
        or not hasattr(value, "__float__")
    ):
        raise ValueError(f"{name}={value!r}, needs a real number")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name}={value!r}, needs a real number") from None


def reals(name: str, values: ArrayLike) -> Array:
    """Return ``values`` as an array of floats; refuse text, booleans and complex numbers."""
    try:
        array = np.asarray(values)
        if array.dtype.kind not in ("i", "u", "f"):
            raise TypeError
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name}={values!r}, needs real numbers") from None


def number(
    name: str,
    value: float | None,
    *,
    low: float = -np.inf,
    high: float = np.inf,
    open_low: bool = False,
    open_high: bool = False,
) -> float:
    """Return ``value`` as a finite float within the bounds, or raise ValueError."""
    if value is None:
        raise ValueError(f"{name}=None, needs a value for this method")
    number_ = real(name, value)
    too_low = number_ <= low if open_low else number_ < low
    too_high = number_ >= high if open_high else number_ > high
    if not np.isfinite(number_) or too_low or too_high:
        left, right = "(" if open_low else "[", ")" if open_high else "]"
        raise ValueError(f"{name}={value!r}, needs a number in {left}{low}, {high}{right}")
    return number_


def count(name: str, value: int | None, *, low: int = 1) -> int:
    """Return ``value`` as an integer >= low, or raise ValueError."""
    found = real(name, value)
    if not found.is_integer() or found < low:
        raise ValueError(f"{name}={value!r}, needs an integer >= {low}")
    if found > LARGEST_COUNT:
        raise ValueError(f"{name}={value!r}, needs an integer <= {LARGEST_COUNT}")
    return int(found)


def finite_if_given(**values: ArrayLike | None) -> None:
    """Refuse what is neither None nor finite: an argument that this call may not even need."""
    for name, value in values.items():
        if value is not None and not np.isfinite(reals(name, value)).all():
            raise ValueError(f"{name}={value!r}, needs finite numbers or None")


def choice(name: str, value: str, allowed: Sequence[str]) -> str:
    """Return ``value`` if it is allowed, or raise ValueError."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name}={value!r}, needs one of {tuple(allowed)}")
    return value


def truth(name: str, value: object) -> bool:
    """Return ``value`` if it is True or False, or raise ValueError."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name}={value!r}, needs True or False")
    return bool(value)


def in_float_range(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a function of numbers raise ValueError where they overflow or vanish on the way."""

    @wraps(function)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return function(*args, **kwargs)
        except ArithmeticError as error:
            given = ", ".join(f"{name}={value!r}" for name, value in kwargs.items())
            raise ValueError(
                f"{function.__name__}({given}) leaves the range of float64 ({error}): needs "
                "numbers of moderate size"
            ) from None

    return guarded


def eigenvalues(name: str, values: ArrayLike | None) -> Array:
    """Return a vector of positive finite numbers, or raise ValueError."""
    if values is None:
        raise ValueError(f"{name}=None, needs a value for this method")
    array = reals(name, values)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}, needs one dimension, not empty")
    if not np.all(np.isfinite(array)) or np.any(array <= 0):
        bad = array[~(np.isfinite(array) & (array > 0))][0]
        raise ValueError(f"{name} contains {bad!r}, needs finite numbers > 0")
    return array


def matrix(name: str, values: ArrayLike | None, shape: tuple[int | None, int | None]) -> Array:
    """Return a finite matrix of the shape (None is free), or raise ValueError."""
    if values is None:
        raise ValueError(f"{name}=None, needs a value for this method")
    array = reals(name, values)
    wanted = all(s is None or s == t for s, t in zip(shape, array.shape, strict=False))
    if array.ndim != 2 or not wanted or 0 in array.shape:
        raise ValueError(f"{name} has shape {array.shape}, needs {shape}")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} contains {array[~np.isfinite(array)][0]!r}, needs finite numbers")
    return array


def positive_definite(name: str, values: ArrayLike | None, size: int | None = None) -> Array:
    """Return a symmetric positive definite matrix, or raise ValueError."""
    array = matrix(name, values, (size, size))
    if array.shape[0] != array.shape[1]:
        raise ValueError(f"{name} has shape {array.shape}, needs a square matrix")
    gap = float(np.abs(array - array.T).max())
    if gap > _SYMMETRY_TOLERANCE * float(np.abs(array).max()):
        raise ValueError(f"{name} is asymmetric by {gap:.3g}, needs a symmetric matrix")
    smallest = float(np.linalg.eigvalsh(array)[0])
    if smallest <= 0:
        raise ValueError(f"{name} has eigenvalue {smallest:.3g}, needs > 0")
    return array


def finite_result(name: str, value: ArrayLike) -> Array:
    """Return ``value`` as an array, or raise ValueError if it is not finite."""
    array = np.asarray(value, dtype=np.float64)
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} is {value!r}: the inputs are outside the domain of the formula")
    return array
