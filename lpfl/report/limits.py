"""How close observations came to their limit: one axis on every page, 0 to 1.5, and a small bar."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from lpfl.report.axes import Axis
from lpfl.report.prose import part_words, typeset
from lpfl.report.svg import (
    WIDTH,
    Point,
    lines,
    marks,
    rectangle,
    svg,
    symbol,
    text,
    texts,
    use,
)

SHAPE_OF_OUTCOME = {"confirmed": "dot", "inconclusive": "triangle", "refuted": "cross"}
STATISTIC_LABELS = {
    "identity": "error ÷ tolerance",
    "bound": "value ÷ bound",
    "bound_whp": "violations ÷ most that chance explains",
    "law": "depth in the tail ÷ that of the level",
    "limit": "(deviation + half width) ÷ tolerance",
    "rate": "(deviation + half width) ÷ tolerance",
    "ordering": "evidence against ÷ most that chance explains",
}
END = 1.5
AXIS = Axis(0.0, END, 14.0, WIDTH - 14.0)
_TOP = 8
_LANE = 26
_MOST_LANES = 8
_REST = "further parts"
Observation = Mapping[str, Any]


def strip(observations: Sequence[Observation]) -> Markup:
    """Return the statistics on the axis of limits, each part in a lane of its own.

    What lies below 0 or beyond 1.5 is drawn on the edge; refuted ones come last, on top.
    """
    lanes = lanes_of(observations)
    bottom = _TOP + _LANE * len(lanes)
    one = AXIS.at(1.0)
    parts = [rectangle("beyond", (one, _TOP), (AXIS.end, bottom))]
    names: list[tuple[Point, str]] = []
    places: dict[str, list[Point]] = {outcome: [] for outcome in SHAPE_OF_OUTCOME}
    for index, (part, members) in enumerate(lanes.items()):
        base = _TOP + _LANE * (index + 1)
        names.append(((AXIS.start, base - 13), _cut(typeset(part_words(part)))))
        for o in members:
            places[o["outcome"]].append((AXIS.at(o["statistic"]), base - 5))
    ends = [_TOP + _LANE * (index + 1) for index in range(len(lanes))]
    parts.append(lines("grid", [((AXIS.start, y), (AXIS.end, y)) for y in ends]))
    parts.append(lines("limit", [((one, _TOP - 4), (one, bottom + 4))]))
    parts.append(texts("tick", names))
    parts += [
        marks(outcome, SHAPE_OF_OUTCOME[outcome], points)
        for outcome, points in places.items()
        if points
    ]
    parts.append(use("ml", down=bottom))
    return svg(bottom + 24, _in_words(observations), parts)


def lanes_of(observations: Sequence[Observation]) -> dict[str, list[Observation]]:
    """Return the observations by part; beyond eight parts the last ones share a lane."""
    lanes: dict[str, list[Observation]] = {}
    for o in observations:
        part = o["part"].partition(":")[0]
        known = part in lanes or len(lanes) < _MOST_LANES - 1
        lanes.setdefault(part if known else _REST, []).append(o)
    return lanes


def axis_words() -> Markup:
    """Return the symbols of every strip, the words below its axis, and of every small bar."""
    ticks = [((AXIS.at(v), 17.0), words) for v, words in ((0.5, "0.5"), (1.0, "limit 1"))]
    ends = [text("tick", (AXIS.start, 17.0), "≤ 0"), text("tick end", (AXIS.end, 17.0), "≥ 1.5")]
    room = Markup('<path class="gauge-room" d="M1 5h49"/><path class="limit" d="M50 0v10"/>')
    return symbol("ml", [texts("tick middle", ticks), *ends]) + symbol("g", [room])


def gauge(statistic: float | None, verdict: str) -> Markup:
    """Return a small bar: how much of what is allowed was used."""
    if statistic is None:
        return Markup("")
    share = min(1.25, max(0.0, statistic))
    return Markup(
        '<svg class="gauge {}" aria-hidden="true"><use href="#g"/><path d="M1 5h{}"/></svg>'
    ).format(verdict, round(50 * share))


def _in_words(observations: Sequence[Observation]) -> str:
    largest = max((o["statistic"] for o in observations), default=0.0)
    inside = sum(o["statistic"] <= 1.0 for o in observations)
    return f"{inside} of {len(observations)} observations inside the limit 1; largest {largest:.3g}"


def _cut(words: str, length: int = 60) -> str:
    return words if len(words) <= length else words[: length - 1] + "…"
