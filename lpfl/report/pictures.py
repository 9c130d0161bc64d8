"""A claim's own picture: lines, points and bands as its check has recorded them."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from markupsafe import Markup

from lpfl.report.axes import Axis, axis_for
from lpfl.report.svg import WIDTH, Point, frame, line, marks, polyline, side_label, svg, text

MARK_SHAPES = ("dot", "square", "triangle", "diamond", "plus", "cross")
_COLOURS = 6
_MOST_POINTS = 400
_PER_LEGEND_LINE = 2


def picture(data: Mapping[str, Any]) -> Markup:
    """Return the drawing of one ``picture`` of a record.

    Long series are thinned to 400 points. Points that a log axis cannot show are left out.
    """
    series = [_thinned(one) for one in data["series"]]
    log_x, log_y = data.get("x_scale") == "log", data.get("y_scale") == "log"
    legend_lines = ceil(len(series) / _PER_LEGEND_LINE)
    top, plot_height = 10 + 18 * legend_lines, 250
    bottom = top + plot_height
    xs = [v for s in series for v in s["x"]]
    ys = [v for s in series for key in ("y", "low", "high") for v in s.get(key, ())]
    x = axis_for(xs, 62, WIDTH - 14, log=log_x)
    y = axis_for(ys, bottom, top, log=log_y)
    parts = _legend(series)
    parts += frame(x, y, top=top, bottom=bottom)
    for index, one in enumerate(series):
        parts += _drawn(one, index, x, y)
    parts.append(text("label middle", ((x.start + x.end) / 2, bottom + 36), data["x_label"]))
    parts.append(side_label((14, (top + bottom) / 2), data["y_label"]))
    return svg(bottom + 46, _in_words(data), parts)


def hidden_points(data: Mapping[str, Any]) -> int:
    """Return how many points the picture's log axes cannot show."""
    log_x, log_y = data.get("x_scale") == "log", data.get("y_scale") == "log"
    return sum(
        (log_x and x <= 0) or (log_y and y <= 0)
        for s in data["series"]
        for x, y in zip(s["x"], s["y"], strict=True)
    )


def _in_words(data: Mapping[str, Any]) -> str:
    names = ", ".join(one["name"] for one in data["series"])
    return f"{data['title']}: {data['y_label']} over {data['x_label']}; {names}"


def _thinned(series: Mapping[str, Any]) -> dict[str, Any]:
    every = ceil(len(series["x"]) / _MOST_POINTS) or 1
    kept = {key: series[key][::every] for key in ("x", "y", "low", "high") if key in series}
    return {**series, **kept}


def _drawn(series: Mapping[str, Any], index: int, x: Axis, y: Axis) -> list[Markup]:
    colour = f"s{index % _COLOURS}"
    parts = []
    if "low" in series and series["x"]:
        lower = _points(series["x"], series["low"], x, y)
        upper = _points(series["x"], series["high"], x, y)
        if series["style"] == "points":
            parts += [line(f"whisker {colour}", a, b) for a, b in zip(lower, upper, strict=False)]
        else:
            parts.append(polyline(f"band {colour}", [*lower, *reversed(upper)], closed=True))
    points = _points(series["x"], series["y"], x, y)
    if series["style"] == "line":
        return [*parts, polyline(f"series dash{index % _COLOURS} {colour}", points)]
    return [*parts, marks(colour, MARK_SHAPES[index % _COLOURS], points)]


def _points(xs: Sequence[float], ys: Sequence[float], x: Axis, y: Axis) -> list[Point]:
    return [
        (x.at(a), y.at(b))
        for a, b in zip(xs, ys, strict=True)
        if (a > 0 or not x.log) and (b > 0 or not y.log)
    ]


def _legend(series: Sequence[Mapping[str, Any]]) -> list[Markup]:
    parts = []
    for index, one in enumerate(series):
        left = 62 + (index % _PER_LEGEND_LINE) * 186
        height = 12 + 18 * (index // _PER_LEGEND_LINE)
        colour = f"s{index % _COLOURS}"
        if one["style"] == "line":
            kind = f"series dash{index % _COLOURS} {colour}"
            parts.append(line(kind, (left, height), (left + 22, height)))
        else:
            shape = MARK_SHAPES[index % _COLOURS]
            parts.append(marks(colour, shape, [(left + 11, height)]))
        name = one["name"] if len(one["name"]) <= 26 else one["name"][:25] + "…"
        parts.append(text("legend", (left + 28, height + 4), name))
    return parts
