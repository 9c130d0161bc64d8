"""Hyper-parameters, written once: name, default, bound and meaning on a field of a dataclass.

Signatures, checks, messages, the refusals that tests try and the tables of the docs all come from
the fields.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Any


@dataclass(frozen=True)
class Bound:
    """What a hyper-parameter may be: a number in an interval, a count, a word or a flag.

    text: how the bound is said in an error. refused: some values outside, for tests.
    """

    text: str
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = True
    whole: bool = False
    choices: tuple[str, ...] = ()
    flag: bool = False
    optional: bool = False
    refused: tuple[Any, ...] = ()

    def allows(self, value: Any) -> bool:
        """Say whether ``value`` is within the bound; a NaN, a text or a flag is no number."""
        if self.optional and value is None:
            return True
        if self.flag:
            return isinstance(value, bool)
        if self.choices:
            return isinstance(value, str) and value in self.choices
        if isinstance(value, bool) or not isinstance(value, Integral if self.whole else Real):
            return False
        number = float(value)
        above = number > self.low if self.open_low else number >= self.low
        below = number < self.high if self.open_high else number <= self.high
        return above and below


def _hyper(default: Any, bound: Bound, says: str) -> Any:
    return field(default=default, metadata={"bound": bound, "says": says})


def positive(default: float | None, says: str, *, optional: bool = False) -> Any:
    """A number above 0 and finite."""
    text = "0 < . < inf" + (", or None" if optional else "")
    wrong = (0.0, -1.0, math.nan, math.inf, "0.1", True)
    bound = Bound(text, low=0.0, open_low=True, optional=optional, refused=wrong)
    return _hyper(default, bound, says)


def non_negative(default: float, says: str) -> Any:
    """A number >= 0 and finite."""
    wrong = (-0.1, math.nan, math.inf, "0.1", None, True)
    return _hyper(default, Bound("0 <= . < inf", low=0.0, refused=wrong), says)


def decay(default: float, says: str) -> Any:
    """The weight of the past in an average, in [0, 1)."""
    wrong = (1.0, -0.1, math.nan, "0.9", True)
    return _hyper(default, Bound("0 <= . < 1", low=0.0, high=1.0, refused=wrong), says)


def fraction(default: float, says: str) -> Any:
    """A number in (0, 1]."""
    wrong = (0.0, 1.5, math.nan, True)
    bound = Bound("0 < . <= 1", 0.0, 1.0, open_low=True, open_high=False, refused=wrong)
    return _hyper(default, bound, says)


def count(default: int, says: str, *, least: int) -> Any:
    """A whole number >= ``least``."""
    wrong = (least - 1, 1.5, math.nan, "1", True)
    return _hyper(
        default, Bound(f"an integer >= {least}", low=least, whole=True, refused=wrong), says
    )


def choice(default: str, says: str, *, among: tuple[str, ...]) -> Any:
    """One of several words."""
    bound = Bound(f"one of {among}", choices=among, refused=("no such word", 1, None))
    return _hyper(default, bound, says)


def flag(default: bool, says: str) -> Any:
    """True or False."""
    return _hyper(default, Bound("True or False", flag=True, refused=(1, "yes", None)), says)


@dataclass(frozen=True, kw_only=True)
class Hyper:
    """A frozen dataclass whose fields carry bounds: a value outside one raises ValueError."""

    def __post_init__(self) -> None:
        for name, bound in bounds_of(type(self)).items():
            value = getattr(self, name)
            if not bound.allows(value):
                raise ValueError(f"{name}={value!r}, needs {bound.text}")
        self.check()

    def check(self) -> None:
        """Refuse combinations of values that are each allowed (none by default)."""

    def hyperparameters(self) -> Mapping[str, Any]:
        """Return every hyper-parameter by name; those that are None are left out."""
        values = {name: getattr(self, name) for name in bounds_of(type(self))}
        return {name: value for name, value in values.items() if value is not None}


def bounds_of(kind: type[Any]) -> Mapping[str, Bound]:
    """Return the bound of each hyper-parameter of a dataclass, in order."""
    return {f.name: f.metadata["bound"] for f in fields(kind) if "bound" in f.metadata}
