"""A picture from plain data: lines, points, bands and bars, up to twelve series told apart.

Beyond the required fields (title, x_label, y_label, series of {name, style, x, y}) a picture may
have x_scale and y_scale ("linear", "log"), y_limits [low, high] (what lies outside is drawn on
the edge), wide (true: the whole column), direct (true: names beside the lines, no legend) and
note. A series may have low and high (a band, or whiskers), colour (0..11, by default that of its
method, which has the same one in every picture) and role "prediction" (thin and dotted, explained
in the note, not in the legend). style "bars" draws a histogram: x are the centres of equally wide
bins.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil
from typing import Any

from markupsafe import Markup

from lpfl.report.axes import Axis, axis_for
from lpfl.report.names import names_at_ends
from lpfl.report.prose import typeset
from lpfl.report.svg import (
    WIDTH,
    Point,
    frame,
    line,
    marks,
    polyline,
    rectangle,
    side_label,
    svg,
    text,
)

MARK_SHAPES = (  # those of outcomes (dot, triangle, cross) are not among them
    *("ring", "square", "diamond", "plus", "star", "house"),
    *("minus", "hourglass", "pipe", "bow", "corner", "angle"),
)
METHOD_COLOURS = {
    "KFAC": 0, "SGD": 1, "gradient": 1, "AMGD": 2, "alternating": 2, "Adam": 3, "AdamW": 3,
    "sign": 5, "Shampoo": 6, "Muon": 7, "SOAP": 8, "FOOF": 9, "DFW": 10, "NGD": 11, "natural": 11,
}  # fmt: skip
WIDE = 720
_COLOURS = 12
_MOST_POINTS = 120
_LETTER = 7  # pixels, at most
_BOLD_LETTER = 8.5
_TIGHT_LETTER = 6
_PAD = 6
_LEGEND_SIGN = 28
_LONE_BAR = 0.1
_FEW_BANDS = 5
_LEFT = 62
_NAMES = 72  # room for names beside the lines


def picture(data: Mapping[str, Any]) -> Markup:
    """Return the drawing of one picture; the module's text says what ``data`` holds.

    Long series are thinned to 120 points. Points that a log axis cannot show are left out.
    """
    data = printed(data)
    colours = colours_of(data["series"])
    series = [
        {**_thinned(one), "colour": colour, "form": one.get("colour", index) % _COLOURS}
        for index, (one, colour) in enumerate(zip(data["series"], colours, strict=True))
    ]
    log_x, log_y = data.get("x_scale") == "log", data.get("y_scale") == "log"
    width = WIDE if data.get("wide") else WIDTH
    named = [one for one in series if one.get("role") != "prediction"]
    columns = _legend_columns(named, width - _LEFT)
    direct = bool(data.get("direct"))
    room = min(max(_NAMES, 30 + _BOLD_LETTER * longest_name(named)), width // 3)
    legend_rows = 0 if direct else ceil(len(named) / columns)
    top, plot_height = 10 + 18 * legend_rows, 300 if data.get("wide") else 250
    bottom = top + plot_height
    bars = any(one["style"] == "bars" for one in series)
    xs = [v for s in series for v in (_edges(s["x"]) if s["style"] == "bars" else s["x"])]
    ys = [v for s in series for key in ("y", "low", "high") for v in s.get(key, ())]
    x = axis_for(xs, _LEFT, width - (room if direct else 14), log=log_x)
    y = axis_for(data.get("y_limits") or ys + [0.0] * bars, bottom, top, log=log_y)
    parts = [] if direct else _legend(named, columns, (width - _LEFT) // columns)
    parts += frame(x, y, top=top, bottom=bottom)
    band = "band" if sum("low" in one for one in series) <= _FEW_BANDS else "band faint"
    for one in series:
        parts += _drawn(one, x, y, band)
    if direct:
        letters = int((room - 24) // _BOLD_LETTER)
        ends = [(points[-1], _cut(one["name"], letters), one["colour"]) for one in named
                if (points := _points(one["x"], one["y"], x, y))]  # fmt: skip
        parts += names_at_ends(ends, x.end, top, bottom)
    parts.append(_label_below(data["x_label"], (x.start + x.end) / 2, bottom + 36, width))
    parts.append(side_label((14, (top + bottom) / 2), data["y_label"]))
    return svg(bottom + 46, _in_words(data), parts, width=width)


def printed(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a picture with the signs of print in its labels and names."""
    series = [{**one, "name": typeset(one["name"])} for one in data["series"]]
    labels = {label: typeset(data[label]) for label in ("x_label", "y_label")}
    return {**data, **labels, "series": series}


def colours_of(series: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the colour of each series: the one it asks for, that of its method, or a free one.

    Series of one name up to a comma ("KFAC, limit" and "KFAC, runs") share a colour, and so do
    a method's lines and its points under two names; a method has the same one in every picture.
    """
    kinds = {name: {one["style"] == "points" for one in series if _subject(one) == name}
             for name in map(_subject, series)}  # fmt: skip
    asked = {one["colour"] % _COLOURS for one in series if "colour" in one}
    names = dict.fromkeys(_subject(one) for one in series if "colour" not in one)
    wanted = {name: _method_colour(name) for name in names}
    found: dict[str, int] = {}
    taken = set(asked)
    for name in sorted(names, key=lambda name: wanted[name] is None):
        free = [c for c in range(_COLOURS) if c not in taken]
        colour = wanted[name]
        twins = [one for one in found if wanted[one] == colour and not kinds[one] & kinds[name]]
        if colour is not None and twins:
            found[name] = found[twins[0]]
            continue
        if colour is None or colour in taken:
            unused = [c for c in free if c not in wanted.values()] or free
            colour = unused[0] if unused else len(found) % _COLOURS
        found[name] = colour
        taken.add(colour)
    return [one["colour"] % _COLOURS if "colour" in one else found[_subject(one)] for one in series]


def _subject(one: Mapping[str, Any]) -> str:
    return str(one["name"]).partition(",")[0]


def _method_colour(name: str) -> int | None:
    words = re.findall(r"[A-Za-z]+", name)
    return next((METHOD_COLOURS[word] for word in words if word in METHOD_COLOURS), None)


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
    return f"{data['y_label']} over {data['x_label']}; {names}"


def _thinned(series: Mapping[str, Any]) -> dict[str, Any]:
    every = ceil(len(series["x"]) / _MOST_POINTS) or 1
    kept = {key: series[key][::every] for key in ("x", "y", "low", "high") if key in series}
    return {**series, **kept}


def _drawn(series: Mapping[str, Any], x: Axis, y: Axis, band: str) -> list[Markup]:
    index = series["form"]
    colour = f"s{series['colour']}"
    points = _points(series["x"], series["y"], x, y)
    if series["style"] == "bars":
        return _bars(colour, series["x"], points, x, y)
    parts = []
    if "low" in series and series["x"]:
        lower = _points(series["x"], series["low"], x, y)
        upper = _points(series["x"], series["high"], x, y)
        if series["style"] == "points":
            parts += [line(f"whisker {colour}", a, b) for a, b in zip(lower, upper, strict=False)]
        else:
            parts.append(polyline(f"{band} {colour}", [*lower, *reversed(upper)], closed=True))
    if series["style"] == "points":
        return [*parts, marks(colour, MARK_SHAPES[index], points)]
    kind = "predicted" if series.get("role") == "prediction" else f"series dash{index}"
    return [*parts, polyline(f"{kind} {colour}", points)]


def _edges(centres: Sequence[float]) -> list[float]:
    """Return the outer edges of bars as wide as the smallest distance between two centres."""
    places = sorted(set(centres))
    half = min((b - a for a, b in pairwise(places)), default=0.0) / 2
    return [places[0] - half, places[-1] + half] if places else []


def _bars(
    colour: str, centres: Sequence[float], tops: Sequence[Point], x: Axis, y: Axis
) -> list[Markup]:
    """Return a bar below each top; all as wide as the smallest distance between two centres."""
    places = sorted(x.at(c) for c in set(centres) if c > 0 or not x.log)
    gaps = [b - a for a, b in pairwise(places) if b > a]
    half = min(gaps, default=_LONE_BAR * (x.end - x.start)) / 2
    base = y.start if y.log else y.at(0.0)
    return [
        rectangle(
            f"bar {colour}",
            (max(at - half, x.start), min(base, top)),
            (min(at + half, x.end), max(base, top)),
        )
        for at, top in tops
    ]


def _points(xs: Sequence[float], ys: Sequence[float], x: Axis, y: Axis) -> list[Point]:
    return [
        (x.at(a), y.at(b))
        for a, b in zip(xs, ys, strict=True)
        if (a > 0 or not x.log) and (b > 0 or not y.log)
    ]


def _label_below(words: str, middle: float, height: float, width: int) -> Markup:
    """Return the label of the horizontal axis, moved or set smaller to fit into the drawing."""
    room = width - 2 * _PAD
    kind, letter = "label middle", _LETTER
    if len(words) * letter > room:
        kind, letter = "label middle tight", _TIGHT_LETTER
    words = _cut(words, room // letter)
    at = min(middle, width - _PAD - letter * len(words) / 2)
    return text(kind, (at, height), words)


def _legend_columns(series: Sequence[Mapping[str, Any]], width: int) -> int:
    """Return how many columns of the legend hold the longest name."""
    return max(1, min(4, width // (_LEGEND_SIGN + _PAD + _LETTER * longest_name(series))))


def longest_name(series: Sequence[Mapping[str, Any]]) -> int:
    """Return how many letters the longest name of the series has."""
    return max((len(one["name"]) for one in series), default=0)


def _legend(series: Sequence[Mapping[str, Any]], columns: int, room: int) -> list[Markup]:
    parts = []
    most = (room - _LEGEND_SIGN) // _LETTER
    for place, one in enumerate(series):
        left = _LEFT + (place % columns) * room
        height = 12 + 18 * (place // columns)
        index, colour = one["form"], f"s{one['colour']}"
        if one["style"] == "line":
            kind = f"series dash{index} {colour}"
            parts.append(line(kind, (left, height), (left + 22, height)))
        elif one["style"] == "bars":
            parts.append(rectangle(f"bar {colour}", (left, height - 5), (left + 22, height + 5)))
        else:
            parts.append(marks(colour, MARK_SHAPES[index], [(left + 11, height)]))
        parts.append(text("legend", (left + _LEGEND_SIGN, height + 4), _cut(one["name"], most)))
    return parts


def _cut(name: str, letters: int) -> str:
    return name if len(name) <= letters else name[: letters - 1] + "…"
