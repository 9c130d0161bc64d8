"""Reading a TOML table with care: every value has a type and a bound, no name is left unread."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lpfl.harmless import harmless

LONGEST = 2000
_SHOWN = 60


class Section:
    """One table of a file. path: its name, for messages. Raises ValueError for what does not fit.

    Each value is taken by name; :meth:`done` refuses the names that nobody took.
    """

    def __init__(self, path: str, values: Any) -> None:
        if not isinstance(values, Mapping):
            raise ValueError(f"{path}={shown(values)}, needs a table")
        self.path = path
        self._values = dict(values)
        self._known: list[str] = []

    def take(self, name: str, default: Any = ...) -> Any:
        """Return a value whatever it is; without a default it must be there."""
        self._known.append(name)
        if name not in self._values and default is ...:
            raise ValueError(f"{self.path} lacks {name!r}, needs it")
        return self._values.get(name, default)

    def has(self, name: str) -> bool:
        """Say whether the table has this name."""
        return name in self._values

    def names(self) -> list[str]:
        """Return the names in the table, in order."""
        return list(self._values)

    def text(self, name: str, default: Any = ...) -> str:
        """Return a text of at most LONGEST characters."""
        value = self.take(name, default)
        if not isinstance(value, str) or len(value) > LONGEST:
            raise self.error(name, value, f"a text of at most {LONGEST} characters")
        return value

    def word(self, name: str, choices: Sequence[str], default: Any = ...) -> str:
        """Return one of ``choices``."""
        value = self.take(name, default)
        if value not in choices:
            raise self.error(name, value, f"one of {list(choices)}")
        return str(value)

    def whole(self, name: str, low: int, high: int, default: Any = ...) -> int:
        """Return an integer in [low, high]."""
        value = self.take(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.error(name, value, f"an integer in [{low}, {high}]")
        return value

    def number(self, name: str, default: Any = ...) -> float:
        """Return a finite number."""
        value = self.take(name, default)
        if not is_number(value):
            raise self.error(name, value, "a finite number")
        return float(value)

    def error(self, name: str, value: Any, need: str) -> ValueError:
        """Return the error that names a value and its bound."""
        return ValueError(f"{self.path}.{name}={shown(value)}, needs {need}")

    def done(self) -> None:
        """Raise ValueError if the table has a name that nobody took."""
        unknown = [name for name in self._values if name not in self._known]
        if unknown:
            raise ValueError(
                f"{self.path} has the unknown name {shown(unknown[0])}, needs one of {self._known}"
            )


def is_number(value: Any) -> bool:
    """Say whether ``value`` is a finite number; a truth value is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def shown(value: Any) -> str:
    """Return a value of the file for a message: short and on one line."""
    text = harmless(repr(value))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
