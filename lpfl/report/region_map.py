"""Where a claim was looked at as a small map: dimension to the right, condition number upwards."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

STEPS = (10.0, 100.0, 1000.0)
_SIDE = 8


def region_map(name: str, scenarios: Sequence[Mapping[str, Any]]) -> Markup:
    """Return the map: a filled cell for each pair of decades that a scenario lies in.

    Decades: up to 10, 100, 1000, and more. Empty if no scenario has a dimension. A scenario
    without a covariance has condition number 1. The cells are named "m" and the name of the claim.
    """
    cells = {cell for s in scenarios if (cell := cell_of(s)) is not None}
    if not cells:
        return Markup("")
    path = "".join(f"M{_SIDE * x} {_SIDE * (3 - y)}h7v7h-7z" for x, y in sorted(cells))
    return Markup(
        '<svg class="map" aria-hidden="true"><use href="#m"/>'
        '<path class="cells" id="m{}" d="{}"/></svg>'
    ).format(name, path)


def empty_map() -> Markup:
    """Return the sixteen empty cells that every map draws over, named "m"."""
    path = "".join(f"M{_SIDE * x} {_SIDE * y}h7v7h-7z" for x in range(4) for y in range(4))
    return Markup('<path id="m" d="{}"/>').format(path)


def cell_of(scenario: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return (decade of the dimension, decade of the condition number), both from 0 to 3."""
    covariance = scenario.get("covariance")
    covariance = covariance if isinstance(covariance, Mapping) else {}
    dim = scenario.get("input_dim", covariance.get("dim"))
    if not _is_number(dim):
        return None
    spread = covariance.get("log10_cond", 0.0)
    flat = covariance.get("family", "identity") == "identity" or not _is_number(spread)
    condition = 1.0 if flat else 10.0 ** min(float(spread), 300.0)
    return _decade(float(dim)), _decade(condition)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _decade(value: float) -> int:
    return sum(value > step * (1.0 + 1e-9) for step in STEPS)
