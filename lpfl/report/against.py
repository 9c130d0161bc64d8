"""What was measured beside what was predicted, in the units of the statement."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from lpfl.report.axes import Axis, axis_for, spans_decades
from lpfl.report.limits import SHAPE_OF_OUTCOME
from lpfl.report.svg import (
    WIDTH,
    Point,
    circle,
    frame,
    lines,
    marks,
    polyline,
    side_label,
    svg,
    symbol,
    text,
    use,
)

HEIGHT, TOP, BOTTOM, LEFT = 270, 8, 228, 62
ERROR = 0.10  # the band around the prediction
MOST_MARKS = 60
LABELS = {True: "mp", False: "ms"}  # names of the symbols with the words at both axes
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

    The line is the prediction, the band what an error of 10 % of it would be. Thick bars are the
    tolerance, thin ones the interval of the measured value, small open squares the nearest rival.
    ``deciding``: the scenario to put a ring around.
    """
    pairs = bounded([o for o in observations if _fits(o, part)])
    predictions = [o["predicted"] for o in pairs]
    spread = max(predictions) - min(predictions)
    varied = spread > _EQUAL * max(map(abs, predictions))
    values = [o[key] for o in pairs for key in ("predicted", "measured")]
    log = spans_decades(values)
    places = predictions if varied else [float(i + 1) for i in range(len(pairs))]
    low, high = min(predictions), max(predictions)
    rivals = [
        o["rival"]["value"] for o in pairs
        if o.get("rival") and _within(o["rival"]["value"], values, log)
    ]  # fmt: skip
    near = [] if varied else [low * (1 - ERROR), high * (1 + ERROR)]
    seen = [*values, *rivals, *near]
    y = axis_for(seen, BOTTOM, TOP, log=log)
    x = axis_for(
        places if varied else [0.5, len(pairs) + 0.5], LEFT, WIDTH - 14, log=varied and log
    )
    parts = [_band(x, y, None if varied else low), *frame(x, y, top=TOP, bottom=BOTTOM)]
    ends = (x.low, x.high) if varied else (low, low)
    parts.append(polyline("identity", _clipped(x, y, ends, varied)))
    at = [x.at(place) for place in places]
    parts += _bars(pairs, at, y)
    hollow = [
        (px, y.at(o["rival"]["value"])) for o, px in zip(pairs, at, strict=True)
        if o.get("rival") and o["rival"]["value"] in rivals
    ]  # fmt: skip
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
    parts.append(use(LABELS[varied]))
    return svg(HEIGHT, _in_words(pairs, varied), parts)


def axis_words() -> Markup:
    """Return the symbols that every such chart uses for the words at its axes."""
    middle = ((LEFT + WIDTH - 14) / 2, float(HEIGHT - 6))
    side = side_label((14, (TOP + BOTTOM) / 2), "measured")
    return Markup("").join(
        symbol(name, [text("label middle", middle, "predicted" if varied else "scenario"), side])
        for varied, name in LABELS.items()
    )


def rows_of(observations: Sequence[Observation], part: str) -> list[list[Any]]:
    """Return what the chart of a part shows as rows, a header first."""
    header = ["part", "outcome", "predicted", "measured", "low", "high", "tolerance", "rival"]
    rows = [
        [o["part"], o["outcome"], o["predicted"], o["measured"], *(o.get("interval") or ("", "")),
         o["tolerance"], (o.get("rival") or {}).get("value", "")]
        for o in observations if _fits(o, part)
    ]  # fmt: skip
    return [header, *rows]


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


def _within(value: float, values: Sequence[float], log: bool) -> bool:
    """Say whether a rival lies near enough to be drawn without squeezing the rest."""
    low, high = min(values), max(values)
    if log:
        return low / 10.0 <= value <= high * 10.0
    room = 2.0 * max(high - low, 0.25 * max(abs(low), abs(high)))
    return low - room <= value <= high + room


def _band(x: Axis, y: Axis, value: float | None) -> Markup:
    """Return the area within 10 % of the prediction: along the diagonal, or around ``value``."""
    sides = [
        [(x.at(v), y.at((v if value is None else value) * (1.0 + s))) for v in _corners(x, y, s)]
        for s in (-ERROR, ERROR)
    ]
    return polyline("about", [*sides[0], *reversed(sides[1])], closed=True)


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


def _clipped(x: Axis, y: Axis, ends: tuple[float, float], varied: bool) -> list[Point]:
    if not varied:
        return [(x.start, y.at(ends[0])), (x.end, y.at(ends[0]))]
    low, high = max(ends[0], y.low), min(ends[1], y.high)
    return [(x.at(low), y.at(low)), (x.at(high), y.at(high))]


def _bars(pairs: Sequence[Observation], at: Sequence[float], y: Axis) -> list[Markup]:
    thick: list[tuple[Point, Point]] = []
    thin: list[tuple[Point, Point]] = []
    for o, px in zip(pairs, at, strict=True):
        if o["tolerance"] and o["tolerance"] > 0 and o.get("interval"):
            ends = [y.at(o["predicted"] + sign * o["tolerance"]) for sign in (-1, 1)]
            thick.append(((px, ends[0]), (px, ends[1])))
        if o.get("interval"):
            low, high = o["interval"]
            thin.append(((px, y.at(low)), (px, y.at(high))))
    shown = [(kind, [(a, b) for a, b in bars if abs(a[1] - b[1]) > 1.0])
             for kind, bars in (("tolerance", thick), ("interval", thin))]  # fmt: skip
    return [lines(kind, bars) for kind, bars in shown if bars]


def _in_words(pairs: Sequence[Observation], varied: bool) -> str:
    count = len(pairs)
    far = min(max(abs(o["measured"] / o["predicted"] - 1.0) for o in pairs), 1e99)
    over = "against predicted" if varied else "by scenario, with the one prediction"
    return f"measured {over}, {count} observations; largest deviation {100 * far:.2g} %"
