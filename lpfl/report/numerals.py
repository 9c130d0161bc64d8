"""Numbers as a reader wants them: four digits, a raised exponent, a true minus sign."""

from collections.abc import Mapping
from typing import Any

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
ABSENT = "–"


def short(value: float | None, digits: int = 4) -> str:
    """Return ``value`` with ``digits`` significant digits; a dash if there is none."""
    if value is None:
        return ABSENT
    if value == 0:
        return "0"
    if isinstance(value, int) and abs(value) < 10**9:
        return str(value).replace("-", "−")
    if 1e-3 <= abs(value) < 1e5:
        text = f"{value:.{digits}g}"
        if "e" not in text:
            return text.replace("-", "−")
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    power = "10" + str(int(exponent)).translate(_RAISED)
    lone = mantissa.removeprefix("-") == "1"
    text = mantissa.removesuffix("1") + power if lone else f"{mantissa}×{power}"
    return text.replace("-", "−")


def flat(scenario: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return the fields of a scenario as (name, text), nested names joined with a dot."""
    rows: list[tuple[str, str]] = []
    for name, value in scenario.items():
        if isinstance(value, Mapping) and value:
            rows += flat(value, f"{prefix}{name}.")
        else:
            rows.append((prefix + name, _plain(value)))
    return rows


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float) or value is None:
        return short(value, 6)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_plain(item) for item in value) + "]"
    return str(value)
