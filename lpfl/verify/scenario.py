"""A scenario: what one check is confronted with. Frozen, readable, canonical JSON."""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from lpfl.linalg.covariance import CovarianceSpec, covariance_from_json


class Scenario(Mapping[str, Any]):
    """An immutable mapping from code names to values, also readable as attributes."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_values", MappingProxyType(dict(values)))

    def __getattr__(self, name: str) -> Any:
        try:
            return object.__getattribute__(self, "_values")[name]
        except KeyError:
            raise AttributeError(f"scenario has no field {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a scenario is frozen: cannot set {name!r}")

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(self.canonical())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scenario) and self.canonical() == other.canonical()

    def __repr__(self) -> str:
        return "Scenario(" + ", ".join(f"{name}={value!r}" for name, value in self.items()) + ")"

    def __reduce__(self) -> tuple[Any, ...]:
        return Scenario, (dict(self._values),)

    def as_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return {
            name: value.as_json() if isinstance(value, CovarianceSpec) else value
            for name, value in self.items()
        }

    def canonical(self) -> str:
        """Return canonical JSON: sorted keys, no spaces; the name of the scenario's streams."""
        return json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"), allow_nan=False)


def scenario_from_json(text: str) -> Scenario:
    """Parse a scenario; raise ValueError that says what is wrong with the text."""
    try:
        fields = json.loads(text, object_pairs_hook=_named)
    except RecursionError:
        raise ValueError("scenario is nested too deep, needs an object of numbers") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"scenario is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise ValueError(f"scenario is a {type(fields).__name__}, needs a JSON object")
    values = dict(fields)
    if "covariance" in values:
        if not isinstance(values["covariance"], dict):
            raise ValueError(f"covariance={values['covariance']!r}, needs a JSON object")
        values["covariance"] = covariance_from_json(values["covariance"])
    return Scenario(values)


def _named(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise ValueError(f"scenario has the field {name[:40]!r} twice, needs it once")
        fields[name] = value
    return fields
