"""Charts of a claim's observations: predicted against measured, and the distance to the limit."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from lpfl.report.axes import Axis, axis_for, spans_decades
from lpfl.report.svg import (
    WIDTH,
    Point,
    frame,
    line,
    marks,
    rectangle,
    side_label,
    svg,
    text,
)

SHAPE_OF_OUTCOME = {"confirmed": "dot", "inconclusive": "triangle", "refuted": "cross"}
STATISTIC_LABELS = {
    "identity": "error ÷ tolerance",
    "bound": "value ÷ bound",
    "bound_whp": "violations, 1 = the limit of chance",
    "law": "depth in the tail, 1 = the level",
    "limit": "(deviation + half width) ÷ margin",
    "rate": "(deviation + half width) ÷ margin",
    "ordering": "evidence against, 1 = the limit",
}
_GREATEST_STACK = 6.5
_ZERO_ROOM = 34
_MOST_MARKS = 120
_LANE = 46
_MOST_LANES = 8
_REST = "further parts"
_FARTHEST = 3.0
Observation = Mapping[str, Any]


def scatter(observations: Sequence[Observation]) -> Markup | None:
    """Return measured against predicted with the identity line; None without such pairs.

    A part whose prediction is one constant (an error that should be 0) is left out. Vertical bars
    are the tolerances around the prediction.
    """
    predictions: dict[str, set[float]] = {}
    for o in observations:
        predictions.setdefault(o["part"], set()).add(o["predicted"])
    pairs = [
        o
        for o in observations
        if len(predictions[o["part"]] - {None}) > 1 and None not in (o["predicted"], o["measured"])
    ]
    if not pairs:
        return None
    of = f" of {len(pairs)}" if len(pairs) > _MOST_MARKS else ""
    pairs = _bounded(pairs)
    values = [o[key] for o in pairs for key in ("predicted", "measured")]
    log = spans_decades(values)
    height, top, bottom = 330, 14, 282
    x = axis_for(values, 62, WIDTH - 14, log=log)
    y = Axis(x.low, x.high, bottom, top, log)
    parts = frame(x, y, top=top, bottom=bottom)
    parts += [] if of else _tolerances(pairs, x, y)
    parts.append(line("identity", (x.start, bottom), (x.end, top)))
    parts += _marks([(o["outcome"], (x.at(o["predicted"]), y.at(o["measured"]))) for o in pairs])
    parts.append(text("label middle", ((x.start + x.end) / 2, height - 12), "predicted"))
    parts.append(side_label((16, (top + bottom) / 2), "measured"))
    label = f"Measured against predicted, {len(pairs)}{of} observations, with the identity line"
    return svg(height, label, parts)


def strip(observations: Sequence[Observation], kind: str) -> Markup:
    """Return the statistics on one axis with the limit 1 marked, each part in a lane of its own.

    The axis of an identity is logarithmic, with a column for 0; any other is linear, and what
    lies beyond -1 or 3 is drawn on the edge.
    """
    total = len(observations)
    observations = _bounded(observations)
    values = [o["statistic"] for o in observations]
    log = kind == "identity" and min(values, default=0.0) >= 0
    zeros = log and 0 in values
    if log:
        shown = [v for v in values if v > 0]
    else:
        shown = [0.0, *(min(_FARTHEST, max(-1.0, v)) for v in values)]
    lanes: dict[str, list[Observation]] = {}
    for o in observations:
        lanes.setdefault(_lane(o["part"], lanes), []).append(o)
    top = 26
    bottom = top + _LANE * max(2, len(lanes))
    x = axis_for([*shown, 1.0], 20.0 + (_ZERO_ROOM if zeros else 0), WIDTH - 20, log=log)
    parts = [rectangle("beyond", (x.at(1.0), top), (x.end, bottom))]
    parts += frame(x, None, top=top, bottom=bottom)
    parts.append(line("limit", (x.at(1.0), top - 6), (x.at(1.0), bottom)))
    near_end = x.at(1.0) > WIDTH - 60
    parts.append(text("tick end" if near_end else "tick", (x.at(1.0), top - 11), "limit 1"))
    if zeros:
        parts.append(text("tick middle", (20, bottom + 16), "0"))
        parts.append(line("axis", (10, bottom), (30, bottom)))
    for index, (part, members) in enumerate(lanes.items()):
        base = bottom - _LANE * (len(lanes) - 1 - index)
        if len(lanes) > 1:
            parts.append(line("grid", (x.start, base), (x.end, base)))
            parts.append(text("tick", (x.start, base - _LANE + 13), _cut(part)))
        pixels = [20.0 if zeros and o["statistic"] == 0 else x.at(o["statistic"]) for o in members]
        outcomes = [o["outcome"] for o in members]
        places = _stacked(pixels, base, _LANE - 14 * (len(lanes) > 1))
        parts += _marks(list(zip(outcomes, places, strict=True)))
    parts.append(text("label middle", (WIDTH / 2, bottom + 36), STATISTIC_LABELS[kind]))
    of = "" if len(values) == total else f" of {total}"
    label = (
        f"{len(values)}{of} observations on the axis {STATISTIC_LABELS[kind]}; beyond 1 is outside"
    )
    return svg(bottom + 46, label, parts)


def _bounded(observations: Sequence[Observation]) -> list[Observation]:
    """Return at most 120: refuted and inconclusive first, then those nearest to the limit.

    Of the others, evenly spread ones in the order of their statistic.
    """
    severity = {"refuted": 0, "inconclusive": 1, "confirmed": 2}
    if len(observations) <= _MOST_MARKS:
        return list(observations)
    ordered = sorted(observations, key=lambda o: (severity[o["outcome"]], -o["statistic"]))
    near, rest = ordered[: _MOST_MARKS // 2], ordered[_MOST_MARKS // 2 :]
    count = _MOST_MARKS - len(near)
    return near + [rest[index * len(rest) // count] for index in range(count)]


def gauge(statistic: float | None, verdict: str) -> Markup:
    """Return a small bar: how much of what is allowed was used."""
    if statistic is None:
        return Markup("")
    share = min(1.25, max(0.0, statistic))
    return Markup(
        '<svg class="gauge" viewBox="0 0 64 10" aria-hidden="true">'
        '<rect class="gauge-room" x="0" y="3" width="50" height="4" rx="2"/>'
        '<rect class="gauge-used {}" x="0" y="3" width="{:.1f}" height="4" rx="2"/>'
        '<path class="limit" d="M50 0V10"/></svg>'
    ).format(verdict, 50 * share)


def _marks(placed: Sequence[tuple[str, Point]]) -> list[Markup]:
    """Return the marks of (outcome, point) pairs; refuted ones are drawn last, on top."""
    by_outcome = {
        outcome: [point for other, point in placed if other == outcome]
        for outcome in SHAPE_OF_OUTCOME
    }
    return [
        marks(outcome, SHAPE_OF_OUTCOME[outcome], points)
        for outcome, points in by_outcome.items()
        if points
    ]


def _tolerances(pairs: Sequence[Observation], x: Axis, y: Axis) -> list[Markup]:
    bars = []
    for o in pairs:
        if o["tolerance"] is None or o["tolerance"] <= 0:
            continue
        low, high = (max(min(o["predicted"] + s * o["tolerance"], y.high), y.low) for s in (-1, 1))
        at = x.at(o["predicted"])
        bars.append(line("tolerance", (at, y.at(low)), (at, y.at(high))))
    return bars


def _stacked(pixels: Sequence[float], bottom: float, room: float) -> list[Point]:
    """Return a place for each mark: marks of one 6-pixel bin are stacked upwards."""
    bins: dict[int, list[int]] = {}
    for index, pixel in enumerate(pixels):
        bins.setdefault(round(pixel / 6), []).append(index)
    tallest = max((len(members) for members in bins.values()), default=1)
    step = min(_GREATEST_STACK, (room - 6) / tallest)
    places = [(pixel, bottom - 5) for pixel in pixels]
    for members in bins.values():
        for rank, index in enumerate(sorted(members, key=lambda i: pixels[i])):
            places[index] = (pixels[index], bottom - 5 - rank * step)
    return places


def _lane(part: str, lanes: Mapping[str, Any]) -> str:
    return part if part in lanes or len(lanes) < _MOST_LANES - 1 else _REST


def _cut(words: str, length: int = 56) -> str:
    return words if len(words) <= length else words[: length - 1] + "…"
