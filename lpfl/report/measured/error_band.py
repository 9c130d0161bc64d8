"""The area around a prediction that an error of so many per cent would cover."""

from collections.abc import Sequence

from markupsafe import Markup

from lpfl.report.axes import Axis
from lpfl.report.numerals import short
from lpfl.report.svg import polyline, text

ERRORS = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
_WIDEST = 0.4  # of the height of the chart
_LEFT, BELOW = 8.0, 33.0  # pixels from the edge, and from the axis, to the words


def shown_error(predictions: Sequence[float], y: Axis) -> float:
    """Return the largest error whose band leaves the chart readable; 10 % on a log axis."""
    if y.log:
        return ERRORS[0]
    largest = max(map(abs, predictions))
    room = _WIDEST * (y.high - y.low)
    return next((error for error in ERRORS if 2.0 * error * largest <= room), ERRORS[-1])


def band(x: Axis, y: Axis, value: float | None) -> tuple[Markup, Markup]:
    """Return the area, along the diagonal or around ``value``, and the words that say its error."""
    error = shown_error([x.low, x.high] if value is None else [value], y)
    sides = [
        [(x.at(v), y.at((v if value is None else value) * (1.0 + s))) for v in _corners(x, y, s)]
        for s in (-error, error)
    ]
    area = polyline("about", [*sides[0], *reversed(sides[1])], closed=True)
    words = f"line as predicted, band ±{short(100.0 * error, 2)} %"
    return area, text("tick", (_LEFT, y.start + BELOW), words)


def _corners(x: Axis, y: Axis, error: float) -> list[float]:
    """Return where an edge of the band bends: at the ends, at 0, where it leaves the chart."""
    leaves = [end / (1.0 + error) for end in (y.low, y.high)]
    bends = [v for v in (0.0, *leaves) if x.low < v < x.high]
    steps = [_between(x, i / 8) for i in range(1, 8)] if x.log else []
    return sorted([x.low, x.high, *bends, *steps])


def _between(axis: Axis, share: float) -> float:
    if axis.log:
        return float(axis.low ** (1.0 - share) * axis.high**share)
    return axis.low + share * (axis.high - axis.low)
