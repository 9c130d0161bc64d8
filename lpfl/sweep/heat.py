"""A heat map as SVG: cells of a grid, or squares at drawn points, with a colour bar.

Colour never stands alone: cells carry their number where there is room, cells without a winner or
without a number have a mark, and each cell says its place and number in words.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from lpfl.report.axes import Axis, axis_for, spans_decades
from lpfl.report.numerals import short
from lpfl.report.svg import Point, frame, line, lines, rectangle, side_label, svg, text
from lpfl.sweep.cells import Cell

WIDTH = 560
LEFT, RIGHT, TOP = 74, 14, 46
SHADES = 11
MOST_CELLS = 4096
_CELL_HEIGHT = (18, 34)
_LABELS = 12
_SQUARE = 5.0
_DECIMALS = 26.0
"""Pixels of width from which a cell carries its number."""


def heat_map(
    cells: Sequence[Cell],
    *,
    label: str,
    x: str,
    y: str,
    ends: tuple[str, str],
    diverging: bool = False,
    log: bool = False,
    grid: bool = True,
) -> Markup:
    """Return the drawing. ends: words at the low and the high end of the colour bar.

    diverging: 0 is the middle of the colours. log: colours are even in the logarithm.
    """
    values = [c.value for c in cells if c.value is not None and math.isfinite(c.value)]
    shade = Shade(values, diverging=diverging, log=log)
    parts = _bar(shade, ends, diverging)
    if grid:
        drawn, bottom = _grid(cells, shade, x, y)
    else:
        drawn, bottom = _scattered(cells, shade, x, y)
    parts += drawn
    parts.append(text("label middle", ((LEFT + WIDTH - RIGHT) / 2, bottom + 38), x))
    parts.append(side_label((14, (TOP + bottom) / 2), y))
    return svg(round(bottom) + 48, label, parts, width=WIDTH)


class Shade:
    """Which of SHADES colours a number has."""

    def __init__(self, values: Sequence[float], *, diverging: bool, log: bool) -> None:
        self.diverging = diverging
        self.log = log and not diverging and bool(values) and min(values) > 0
        if diverging:
            largest = max((abs(v) for v in values), default=0.0) or 1.0
            self.low, self.high = -largest, largest
        else:
            self.low, self.high = (min(values), max(values)) if values else (0.0, 1.0)
        if self.low == self.high:
            self.high = self.low + (abs(self.low) or 1.0)

    def __call__(self, value: float) -> str:
        """Return the class of the colour; infinities have those of the ends."""
        share = self.share(value)
        index = min(SHADES - 1, max(0, int(share * SHADES)))
        return f"{'d' if self.diverging else 'q'}{index}"

    def share(self, value: float) -> float:
        """Return where ``value`` lies between the ends, in [0, 1]."""
        if math.isinf(value):
            return 1.0 if value > 0 else 0.0
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(max(value, self.low))
        return min(1.0, max(0.0, (value - low) / (high - low)))


def _grid(cells: Sequence[Cell], shade: Shade, x: str, y: str) -> tuple[list[Markup], float]:
    columns = _places([cell.x for cell in cells])
    rows = _places([cell.y for cell in cells])
    width = (WIDTH - LEFT - RIGHT) / len(columns)
    height = min(_CELL_HEIGHT[1], max(_CELL_HEIGHT[0], 300 / len(rows)))
    bottom = TOP + height * len(rows)
    parts = []
    for cell in cells:
        corner = (LEFT + width * columns[cell.x], bottom - height * (rows[cell.y] + 1))
        far = (corner[0] + width, corner[1] + height)
        words = f"{x} {_said(cell.x)}, {y} {_said(cell.y)}: {_words(cell)}"
        parts.append(_cell(cell, shade, corner, far, words, number=width >= _DECIMALS))
    parts += [_edge(cells, columns, rows, (width, height), bottom)]
    for value, at in _thinned(columns):
        parts.append(text("tick middle", (LEFT + width * (at + 0.5), bottom + 16), _said(value, 2)))
    for value, at in _thinned(rows):
        middle = bottom - height * (at + 0.5) + 4
        parts.append(text("tick end", (LEFT - 6, middle), _said(value)))
    return parts, bottom


def _cell(cell: Cell, shade: Shade, low: Point, high: Point, words: str, *, number: bool) -> Markup:
    middle = ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2)
    if cell.value is None:
        inside = [rectangle("none", low, high), line("gap", (low[0], high[1]), (high[0], low[1]))]
    else:
        inside = [rectangle(shade(cell.value), low, high)]
        dark = "pale" if shade(cell.value)[1:] in _PALE[shade.diverging] else "ink"
        said = "=" if cell.open else _number(cell.value)
        if number or cell.open:
            inside.append(text(f"in {dark} middle", (middle[0], middle[1] + 3.5), said))
    return Markup("<g><title>{}</title>{}</g>").format(words, Markup("").join(inside))


_PALE = {True: {"0", "1", "9", "10"}, False: {"7", "8", "9", "10"}}
"""Shades so dark (on paper) that letters on them are pale."""


def _edge(
    cells: Sequence[Cell],
    columns: Mapping[Any, int],
    rows: Mapping[Any, int],
    size: tuple[float, float],
    bottom: float,
) -> Markup:
    """Return the line between cells for which the theory names different winners."""
    sign = {
        (columns[c.x], rows[c.y]): c.predicted > 0
        for c in cells
        if c.predicted is not None and c.predicted != 0
    }
    width, height = size
    ends = []
    for (i, j), ahead in sign.items():
        left, low = LEFT + width * i, bottom - height * j
        if sign.get((i + 1, j), ahead) != ahead:
            ends.append(((left + width, low), (left + width, low - height)))
        if sign.get((i, j + 1), ahead) != ahead:
            ends.append(((left, low - height), (left + width, low - height)))
    return lines("border", ends) if ends else Markup("")


def _scattered(cells: Sequence[Cell], shade: Shade, x: str, y: str) -> tuple[list[Markup], float]:
    bottom = TOP + 300.0
    across = _axis([cell.x for cell in cells], LEFT, WIDTH - RIGHT)
    up = _axis([cell.y for cell in cells], bottom, TOP)
    parts = frame(across, up, top=TOP, bottom=bottom)
    for cell in cells:
        at = (across.at(cell.x), up.at(cell.y))
        low, high = ((v - s for v in at) for s in (_SQUARE, -_SQUARE))
        words = f"{x} {_said(cell.x)}, {y} {_said(cell.y)}: {_words(cell)}"
        parts.append(_cell(cell, shade, tuple(low), tuple(high), words, number=False))  # type: ignore[arg-type]
    return parts, bottom


def _axis(values: Sequence[Any], start: float, end: float) -> Axis:
    return axis_for(values, start, end, log=spans_decades(values, 1.2))


def _bar(shade: Shade, ends: tuple[str, str], diverging: bool) -> list[Markup]:
    """Return the colour bar with the numbers and the words of its ends."""
    step = 120 / SHADES
    left = WIDTH / 2 - 60
    letter = "d" if diverging else "q"
    parts = [
        rectangle(f"{letter}{i}", (left + step * i, 8), (left + step * (i + 1), 20))
        for i in range(SHADES)
    ]
    parts.append(text("legend end", (left - 8, 18), ends[0]))
    parts.append(text("legend", (left + 128, 18), ends[1]))
    parts.append(text("tick middle", (left, 33), _number(shade.low)))
    parts.append(text("tick middle", (left + 120, 33), _number(shade.high)))
    return parts


def _places(values: Sequence[Any]) -> dict[Any, int]:
    different = list(dict.fromkeys(values))
    if not any(isinstance(value, str) for value in different):
        different.sort()
    return {value: i for i, value in enumerate(different)}


def _thinned(places: Mapping[Any, int]) -> list[tuple[Any, int]]:
    every = math.ceil(len(places) / _LABELS)
    return [(value, at) for value, at in places.items() if at % every == 0]


def _number(value: float) -> str:
    """Return a number of a cell: two digits, or all those before the point."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    whole = len(str(int(abs(value)))) if abs(value) < 1e5 else 2
    return short(value, max(2, whole))


def _said(value: Any, digits: int = 3) -> str:
    return value if isinstance(value, str) else short(value, digits)


def _words(cell: Cell) -> str:
    if cell.value is None:
        return cell.note or "nothing"
    if math.isinf(cell.value):
        return "only the first has a number" if cell.value > 0 else "only the second has a number"
    predicted = "" if cell.predicted is None else f", predicted {short(cell.predicted, 3)}"
    return f"{short(cell.value, 3)}{predicted}{', seeds do not agree' if cell.open else ''}"
