"""What was measured beside what was predicted, in the units of the statement."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from lpfl.report.axes import Axis, axis_for, spans_decades
from lpfl.report.limits import SHAPE_OF_OUTCOME
from lpfl.report.measured.error_band import BELOW, band, shown_error
from lpfl.report.svg import (
    WIDTH,
    Point,
    circle,
    frame,
    line,
    lines,
    marks,
    polyline,
    side_label,
    svg,
    symbol,
    text,
    use,
)

HEIGHT, TOP, BOTTOM, LEFT = 292, 18, 234, 62
MOST_MARKS = 60
ENOUGH = 3  # runs under noise that make a chart of their own
LABELS = {True: "mp", False: "ms"}  # names of the symbols with the words at both axes
SIGNS = "mr"  # name of the symbol that explains rival, tolerance and interval
_EQUAL = 1e-6
Observation = Mapping[str, Any]


def base(part: str) -> str:
    """Return the part of the statement that ``part: variant`` belongs to."""
    return part.partition(":")[0]


def parts_to_draw(observations: Sequence[Observation], deciding: str) -> list[str]:
    """Return the part that says most, in a list: with intervals, with varied numbers, deciding.

    Empty if no part has numbers.
    """
    found: dict[str, set[float]] = {}
    noisy = {base(o["part"]) for o in observations if o.get("interval")}
    for o in observations:
        if o["predicted"] and o["measured"] is not None:
            found.setdefault(base(o["part"]), set()).add(o["predicted"])
    ordered = sorted(
        found,
        key=lambda part: (part not in noisy, len(found[part]) < 3, part != base(deciding)),
    )
    return ordered[:1]


def against(
    observations: Sequence[Observation], part: str, deciding: Mapping[str, Any] | None = None
) -> Markup:
    """Return measured against predicted for a part, or over the scenarios if it predicts one value.

    The line is the prediction, the band what the error written beside it would be. Thick bars are
    the tolerance, thin ones the interval of the measured value, small open squares the nearest
    rival. ``deciding``: the scenario to put a ring around.
    """
    pairs = bounded(drawn_of(observations, part))
    predictions = [o["predicted"] for o in pairs]
    spread = max(predictions) - min(predictions)
    varied = spread > _EQUAL * max(map(abs, predictions))
    values = [o[key] for o in pairs for key in ("predicted", "measured")]
    log = spans_decades(values)
    places = predictions if varied else [float(i + 1) for i in range(len(pairs))]
    rivals = [v for o in pairs if (v := _rival(o)) is not None and _within(v, values, log)]
    ends = [_moved_inside(v, values, log) for o in pairs for v in (*_tolerated(o), *_seen(o))]
    y = axis_for([*values, *rivals, *ends], BOTTOM, TOP, log=log)
    if not varied:
        error = shown_error([predictions[0]], y)
        near = [predictions[0] * (1 - error), predictions[0] * (1 + error)]
        y = axis_for([*values, *rivals, *ends, *near], BOTTOM, TOP, log=log)
    x = axis_for(
        places if varied else [0.5, len(pairs) + 0.5], LEFT, WIDTH - 14, log=varied and log
    )
    drawn, words = band(x, y, None if varied else predictions[0])
    parts = [drawn, *frame(x, y, top=TOP, bottom=BOTTOM)]
    parts.append(polyline("identity", _clipped(x, y, predictions[0], varied)))
    at = [x.at(place) for place in places]
    bars = _bars(pairs, at, y)
    parts += bars
    hollow = [(px, y.at(v)) for o, px in zip(pairs, at, strict=True)
              if (v := _rival(o)) is not None and v in rivals]  # fmt: skip
    parts += [marks("rival", "square", hollow)] if hollow else []
    for outcome, shape in SHAPE_OF_OUTCOME.items():
        points = [
            (px, y.at(o["measured"])) for o, px in zip(pairs, at, strict=True)
            if o["outcome"] == outcome
        ]  # fmt: skip
        parts += [marks(outcome, shape, points)] if points else []
    for o, px in zip(pairs, at, strict=True):
        if deciding is not None and o["scenario"] == deciding:
            parts.append(circle("deciding", (px, y.at(o["measured"])), 7))
            break
    parts += [words, use(LABELS[varied])]
    parts += [use(SIGNS)] if hollow or bars else []
    return svg(HEIGHT, _in_words(pairs, varied), parts)


def axis_words() -> Markup:
    """Return the symbols that such charts use: the words at the axes, and what the signs mean."""
    middle = ((LEFT + WIDTH - 14) / 2, BOTTOM + BELOW)
    side = side_label((14, (TOP + BOTTOM) / 2), "measured")
    signs = [
        marks("confirmed", "dot", [(12, HEIGHT - 9)]),
        text("tick", (21, HEIGHT - 5), "measured"),
        circle("deciding", (94, HEIGHT - 9), 5),
        text("tick", (104, HEIGHT - 5), "deciding"),
    ]
    more = [
        marks("rival", "square", [(170, HEIGHT - 9)]),
        text("tick", (179, HEIGHT - 5), "nearest rival"),
        line("tolerance", (279, HEIGHT - 15), (279, HEIGHT - 3)),
        text("tick", (286, HEIGHT - 5), "tolerance"),
        line("interval", (357, HEIGHT - 15), (357, HEIGHT - 3)),
        text("tick", (363, HEIGHT - 5), "interval"),
    ]
    return Markup("").join(
        symbol(name, [text("label middle", middle, words), side, *signs])
        for name, words in ((LABELS[True], "predicted"), (LABELS[False], "scenario"))
    ) + symbol(SIGNS, more)


def rows_of(observations: Sequence[Observation], part: str) -> list[list[Any]]:
    """Return what the chart of a part shows as rows, a header first."""
    header = ["part", "outcome", "predicted", "measured", "low", "high", "tolerance", "rival"]
    rows = [
        [o["part"], o["outcome"], o["predicted"], o["measured"], *(o.get("interval") or ("", "")),
         o["tolerance"], (o.get("rival") or {}).get("value", "")]
        for o in drawn_of(observations, part)
    ]  # fmt: skip
    return [header, *rows]


def drawn_of(observations: Sequence[Observation], part: str) -> list[Observation]:
    """Return what the chart of a part shows: the runs under noise, where there are some.

    Exact confirmations of the same part (a function against the printed relation) are then left
    out, as their numbers may be far from those of the runs.
    """
    fitting = [o for o in observations if _fits(o, part)]
    noisy = [o for o in fitting if o.get("interval") or o["outcome"] != "confirmed"]
    return noisy if sum(bool(o.get("interval")) for o in noisy) >= ENOUGH else fitting


def bounded(observations: Sequence[Observation]) -> list[Observation]:
    """Return at most 60: refuted and inconclusive first, then those nearest to the limit.

    Of the others, evenly spread ones in the order of their statistic.
    """
    severity = {"refuted": 0, "inconclusive": 1, "confirmed": 2}
    if len(observations) <= MOST_MARKS:
        return list(observations)
    ordered = sorted(observations, key=lambda o: (severity[o["outcome"]], -o["statistic"]))
    near, rest = ordered[: MOST_MARKS // 2], ordered[MOST_MARKS // 2 :]
    count = MOST_MARKS - len(near)
    return near + [rest[index * len(rest) // count] for index in range(count)]


def _fits(o: Observation, part: str) -> bool:
    return base(o["part"]) == part and bool(o["predicted"]) and o["measured"] is not None


def _rival(o: Observation) -> float | None:
    return o["rival"]["value"] if o.get("rival") else None


def _seen(o: Observation) -> tuple[float, ...]:
    return tuple(o.get("interval") or ())


def _tolerated(o: Observation) -> tuple[float, ...]:
    """Return the ends of the tolerance; of an exact comparison it is too small to draw."""
    if not o["tolerance"] or o["tolerance"] <= 0 or not o.get("interval"):
        return ()
    return o["predicted"] - o["tolerance"], o["predicted"] + o["tolerance"]


def _reach(values: Sequence[float], log: bool) -> tuple[float, float]:
    """Return how far the axis may go beyond ``values`` without squeezing them."""
    low, high = min(values), max(values)
    if log:
        return low / 10.0, high * 10.0
    room = 2.0 * max(high - low, 0.25 * max(abs(low), abs(high)))
    return low - room, high + room


def _within(value: float, values: Sequence[float], log: bool) -> bool:
    low, high = _reach(values, log)
    return low <= value <= high


def _moved_inside(value: float, values: Sequence[float], log: bool) -> float:
    low, high = _reach(values, log)
    return min(high, max(low, value))


def _clipped(x: Axis, y: Axis, value: float, varied: bool) -> list[Point]:
    if not varied:
        return [(x.start, y.at(value)), (x.end, y.at(value))]
    low, high = max(x.low, y.low), min(x.high, y.high)
    return [(x.at(low), y.at(low)), (x.at(high), y.at(high))]


def _bars(pairs: Sequence[Observation], at: Sequence[float], y: Axis) -> list[Markup]:
    found: dict[str, list[tuple[Point, Point]]] = {"tolerance": [], "interval": []}
    for o, px in zip(pairs, at, strict=True):
        for kind, ends in (("tolerance", _tolerated(o)), ("interval", _seen(o))):
            if ends and abs(y.at(ends[0]) - y.at(ends[1])) > 1.0:
                found[kind].append(((px, y.at(ends[0])), (px, y.at(ends[1]))))
    return [lines(kind, bars) for kind, bars in found.items() if bars]


def _in_words(pairs: Sequence[Observation], varied: bool) -> str:
    count = len(pairs)
    far = min(max(abs(o["measured"] / o["predicted"] - 1.0) for o in pairs), 1e99)
    over = "against predicted" if varied else "by scenario, with the one prediction"
    return f"measured {over}, {count} observations; largest deviation {100 * far:.2g} %"
