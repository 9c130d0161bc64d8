"""SVG by hand: a frame with ticks, and marks told apart by shape as well as by colour.

Nothing carries a style attribute (the page's policy forbids them): classes and presentation
attributes only. Text is escaped by ``Markup.format``.
"""

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from lpfl.report.axes import Axis

WIDTH = 440
Point = tuple[float, float]


def svg(height: int, label: str, parts: Iterable[Markup], *, width: int = WIDTH) -> Markup:
    """Return the drawing; ``label`` says in words what it shows."""
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        "<title>{}</title>{}</svg>"
    ).format(width, height, label, label, Markup("").join(parts))


def frame(x: Axis, y: Axis | None, *, top: float, bottom: float) -> list[Markup]:
    """Return grid lines, axis lines and tick labels; without ``y`` only the horizontal axis."""
    grid = [((pixel, top), (pixel, bottom)) for pixel, _ in x.ticks()]
    parts = [text("tick middle", (pixel, bottom + 16), label) for pixel, label in x.ticks()]
    if y is not None:
        grid += [((x.start, pixel), (x.end, pixel)) for pixel, _ in y.ticks()]
        parts += [text("tick end", (x.start - 6, pixel + 4), label) for pixel, label in y.ticks()]
    return [lines("grid", grid), *parts, line("axis", (x.start, bottom), (x.end, bottom))]


def lines(kind: str, ends: Iterable[tuple[Point, Point]]) -> Markup:
    """Return straight lines of one kind as one path."""
    path = "".join("M{} {}L{} {}".format(*map(_pixel, (*a, *b))) for a, b in ends)
    return Markup('<path class="{}" d="{}"/>').format(kind, path)


def line(kind: str, start: Point, end: Point) -> Markup:
    """Return a straight line."""
    return Markup('<path class="{}" d="M{} {}L{} {}"/>').format(kind, *map(_pixel, (*start, *end)))


def text(kind: str, at: Point, words: str) -> Markup:
    """Return words at a point."""
    x, y = map(_pixel, at)
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(kind, x, y, words)


def side_label(at: Point, words: str) -> Markup:
    """Return words turned upwards, for a vertical axis."""
    x, y = map(_pixel, at)
    return Markup(
        '<text class="label middle" transform="translate({} {}) rotate(-90)">{}</text>'
    ).format(x, y, words)


def rectangle(kind: str, low: Point, high: Point) -> Markup:
    """Return a rectangle from its upper left to its lower right corner."""
    x, y, width, height = (*low, max(0.0, high[0] - low[0]), max(0.0, high[1] - low[1]))
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(
        kind, *map(_pixel, (x, y, width, height))
    )


def polyline(kind: str, points: Sequence[Point], *, closed: bool = False) -> Markup:
    """Return a line through points, or the area they enclose."""
    path = "M" + "L".join(f"{_pixel(x)} {_pixel(y)}" for x, y in points) + ("Z" if closed else "")
    return Markup('<path class="{}" d="{}"/>').format(kind, path if points else "")


def marks(kind: str, shape: str, points: Iterable[Point]) -> Markup:
    """Return one path with a mark at each point; points on the same half pixel are drawn once.

    shape: "dot", "square", "triangle", "diamond", "plus", "cross", "ring", "down" (a triangle on
    its tip), "star", "minus", "hourglass" or "pipe".
    """
    placed = sorted({(round(2 * x) / 2, round(2 * y) / 2) for x, y in points})
    path = "".join(f"M{x:g} {y:g}{_SHAPES[shape]}" for x, y in placed)
    return Markup('<path class="mark {} {}" d="{}"/>').format(shape, kind, path)


_SHAPES = {
    "dot": "h0",
    "cross": "m-3.5-3.5l7 7m0-7l-7 7",
    "triangle": "m0-4l4 7h-8z",
    "square": "m-3-3h6v6h-6z",
    "diamond": "m0-4l4 4l-4 4l-4-4z",
    "plus": "m-4 0h8m-4-4v8",
    "ring": "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0",
    "down": "m0 4l4-7h-8z",
    "star": "m-4 0h8m-6-3.5l4 7m0-7l-4 7",
    "minus": "m-4.5 0h9",
    "hourglass": "m-3.5-4h7l-7 8h7z",
    "pipe": "m0-4.5v9",
}


def _pixel(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
