"""SVG by hand: a frame with ticks, and marks told apart by shape as well as by colour.

Nothing carries a style attribute (the page's policy forbids them): classes and presentation
attributes only. Text is escaped by ``Markup.format``.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from math import hypot, inf

from markupsafe import Markup

from lpfl.report.axes import Axis

WIDTH = 440
_VISIBLE = 0.33  # pixels
_COVERED = 2  # pixels in each direction; marks are 6 to 9 wide
Point = tuple[float, float]


def svg(height: int, label: str, parts: Iterable[Markup], *, width: int = WIDTH) -> Markup:
    """Return the drawing; ``label`` says in words what it shows."""
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(width, height, label, Markup("").join(parts))


def frame(x: Axis, y: Axis | None, *, top: float, bottom: float) -> list[Markup]:
    """Return grid lines, axis lines and tick labels; without ``y`` only the horizontal axis.

    The power of ten that the labels leave out stands above the vertical axis, and right of the
    words below the horizontal one.
    """
    grid: list[tuple[Point, Point]] = [
        ((round(pixel), top), (round(pixel), bottom)) for pixel, _ in x.ticks()
    ]
    below = [((pixel, bottom + 16), label) for pixel, label in x.ticks()]
    parts = [texts("tick middle", below)]
    beside: list[tuple[Point, str]] = [((x.end, bottom + 33), x.factor)] if x.factor else []
    if y is not None:
        grid += [((x.start, round(pixel)), (x.end, round(pixel))) for pixel, _ in y.ticks()]
        beside += [((x.start - 6, pixel + 4), label) for pixel, label in y.ticks()]
        beside += [((x.start - 6, top - 7), y.factor)] if y.factor else []
    parts += [texts("tick end", beside)] if beside else []
    return [lines("grid", grid), *parts, line("axis", (x.start, bottom), (x.end, bottom))]


def lines(kind: str, ends: Iterable[tuple[Point, Point]]) -> Markup:
    """Return straight lines of one kind as one path."""
    return Markup('<path class="{}" d="{}"/>').format(kind, "".join(_stroke(*e) for e in ends))


def line(kind: str, start: Point, end: Point) -> Markup:
    """Return a straight line."""
    return lines(kind, [(start, end)])


def _stroke(start: Point, end: Point) -> str:
    (x, y), (right, low) = (tuple(map(_pixel, point)) for point in (start, end))
    if x == right:
        return f"M{x} {y}V{low}"
    return f"M{x} {y}H{right}" if y == low else f"M{x} {y}L{right} {low}"


def text(kind: str, at: Point, words: str) -> Markup:
    """Return words at a point."""
    x, y = map(_pixel, at)
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(kind, x, y, words)


def texts(kind: str, placed: Iterable[tuple[Point, str]]) -> Markup:
    """Return words at several points as one group of a kind."""
    one = Markup('<text x="{}" y="{}">{}</text>')
    inside = Markup("").join(one.format(round(x), round(y), words) for (x, y), words in placed)
    return Markup('<g class="{}">{}</g>').format(kind, inside)


def side_label(at: Point, words: str) -> Markup:
    """Return words turned upwards, for a vertical axis."""
    x, y = map(_pixel, at)
    return Markup(
        '<text class="label middle" transform="translate({} {}) rotate(-90)">{}</text>'
    ).format(x, y, words)


def circle(kind: str, at: Point, radius: int) -> Markup:
    """Return a circle."""
    return Markup('<circle class="{}" cx="{}" cy="{}" r="{}"/>').format(
        kind, round(at[0]), round(at[1]), radius
    )


def symbol(name: str, parts: Iterable[Markup]) -> Markup:
    """Return a drawing that others of the page use by its name."""
    return Markup('<g id="{}">{}</g>').format(name, Markup("").join(parts))


def use(name: str, *, down: float = 0.0) -> Markup:
    """Return the drawing of that name, moved down."""
    moved = Markup(' y="{}"').format(round(down)) if down else Markup("")
    return Markup('<use href="#{}"{}/>').format(name, moved)


def rectangle(kind: str, low: Point, high: Point) -> Markup:
    """Return a rectangle from its upper left to its lower right corner."""
    x, y, width, height = (*low, max(0.0, high[0] - low[0]), max(0.0, high[1] - low[1]))
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(
        kind, *map(_pixel, (x, y, width, height))
    )


def polyline(kind: str, points: Sequence[Point], *, closed: bool = False) -> Markup:
    """Return a line through points, or the area they enclose.

    Points that a straight line replaces to a third of a pixel are left out.
    """
    kept = thinned(points, _VISIBLE)
    path = "M" + "L".join(f"{_pixel(x)} {_pixel(y)}" for x, y in kept) + ("Z" if closed else "")
    return Markup('<path class="{}" d="{}"/>').format(kind, path if points else "")


def thinned(points: Sequence[Point], distance: float) -> list[Point]:
    """Return the points without those nearer than ``distance`` to the line through the others.

    Ramer, Douglas and Peucker: the point farthest from a chord is kept, and both halves go on.
    """
    if len(points) < 3:
        return list(points)
    kept = {0, len(points) - 1}
    open_ends = [(0, len(points) - 1)]
    while open_ends:
        first, last = open_ends.pop()
        far, at = max(
            ((_off(points[i], points[first], points[last]), i) for i in range(first + 1, last)),
            default=(0.0, first),
        )
        if far > distance:
            kept.add(at)
            open_ends += [(first, at), (at, last)]
    return [points[i] for i in sorted(kept)]


def _off(point: Point, start: Point, end: Point) -> float:
    """Return the distance of a point from the stretch between two others."""
    (x, y), (x0, y0), (x1, y1) = point, start, end
    length = hypot(x1 - x0, y1 - y0)
    if length == 0.0:
        return hypot(x - x0, y - y0)
    along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length**2
    along = min(1.0, max(0.0, along))
    return hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0))


def marks(kind: str, shape: str, points: Iterable[Point]) -> Markup:
    """Return one path with a mark at each point; one that covers another is drawn for both.

    shape: "dot", "triangle" and "cross" for outcomes; for series "ring", "square", "diamond",
    "plus", "star", "minus", "pipe", "hourglass", "bow", "house", "corner", "angle".
    """
    placed = apart(sorted({(round(x), round(y)) for x, y in points}))
    if shape == "dot":
        path = _dots(placed)
    else:
        path = "".join(f"M{x} {y}{_SHAPES[shape]}" for x, y in placed)
    return Markup('<path class="mark {} {}" d="{}"/>').format(shape, kind, path)


def apart(points: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return sorted points without those that a mark at another one covers."""
    kept: list[tuple[int, int]] = []
    for x, y in points:
        first = bisect_left(kept, (x - _COVERED, -inf))
        if all(abs(y - height) > _COVERED for _, height in kept[first:]):
            kept.append((x, y))
    return kept


def _dots(placed: Sequence[tuple[int, int]]) -> str:
    """Return strokes of no length, each placed from the one before."""
    path, (left, up) = "", (0, 0)
    for x, y in placed:
        step = f"{x - left}{y - up}" if y < up else f"{x - left} {y - up}"
        path += f"{'m' if path else 'M'}{step}h0"
        left, up = x, y
    return path


_SHAPES = {
    "cross": "m-3.5-3.5l7 7m0-7l-7 7",
    "triangle": "m0-4l4 7h-8z",
    "square": "m-3-3h6v6h-6z",
    "diamond": "m0-4l4 4l-4 4l-4-4z",
    "plus": "m-4 0h8m-4-4v8",
    "ring": "m-3.5 0a3.5 3.5 0 1 1 0 .1z",
    "bow": "m-4-3.5v7l8-7v7z",
    "house": "m-3.5 3.5v-4l3.5-3.5l3.5 3.5v4z",
    "corner": "m-3.5-3.5v7h7",
    "angle": "m-4 2.5l4-5l4 5",
    "star": "m-4 0h8m-6-3.5l4 7m0-7l-4 7",
    "minus": "m-4.5 0h9",
    "hourglass": "m-3.5-4h7l-7 8h7z",
    "pipe": "m0-4.5v9",
}


def _pixel(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
