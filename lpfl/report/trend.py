"""How a claim fared in earlier runs: a line in the overview and a chart in the section."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from lpfl.report.axes import Axis
from lpfl.report.chart import Chart, file_name
from lpfl.report.limits import SHAPE_OF_OUTCOME
from lpfl.report.svg import WIDTH, frame, line, lines, marks, polyline, side_label, svg, text, texts

MOST_MOMENTS = 40
_LOW, _HIGH = -0.5, 1.0
_TOP, _BOTTOM, _LEFT = 22, 150, 62


@dataclass(frozen=True)
class Moment:
    """A claim in one run. margin: 1 is no sign of a violation, 0 the limit, None an error."""

    started: str
    version: str
    profile: str
    verdict: str
    margin: float | None


def trends(entries: Iterable[Any], profile: str) -> Mapping[str, Sequence[Moment]]:
    """Return the moments of each claim, oldest first, of the runs with this profile."""
    found: dict[str, list[Moment]] = {}
    for e in entries:
        if e.profile == profile:
            moment = Moment(e.started, e.version, e.profile, e.verdict, e.margin)
            found.setdefault(e.claim, []).append(moment)
    return {claim: moments[-MOST_MOMENTS:] for claim, moments in found.items()}


def sparkline(moments: Sequence[Moment]) -> Markup:
    """Return the margins as a line without axes, the limit 0 below; empty for a single run."""
    if len(moments) < 2:
        return Markup("")
    x = Axis(0.0, len(moments) - 1.0, 2.0, 58.0)
    y = Axis(_LOW, _HIGH, 14.0, 2.0)
    points = [(x.at(i), y.at(m.margin)) for i, m in enumerate(moments) if m.margin is not None]
    zero = line("limit", (0.0, y.at(0.0)), (60.0, y.at(0.0)))
    words = f"{len(moments)} runs: {', '.join(_counts(moments))}"
    return Markup(
        '<svg class="spark" viewBox="0 0 60 16" role="img" aria-label="{}">{}{}</svg>'
    ).format(words, zero, polyline("series", points))


def trend_chart(name: str, moments: Sequence[Moment]) -> Chart:
    """Return the margin over the runs; a dashed upright where the version of lpfl changed."""
    count = len(moments)
    x = Axis(0.5, count + 0.5, _LEFT, WIDTH - 14)
    y = Axis(_LOW, _HIGH, _BOTTOM, _TOP)
    parts = frame(x, y, top=_TOP, bottom=_BOTTOM)
    parts.append(line("limit", (x.start, y.at(0.0)), (x.end, y.at(0.0))))
    changed = [i for i in range(1, count) if moments[i].version != moments[i - 1].version]
    parts.append(
        lines("identity", [((x.at(i + 0.5), _TOP), (x.at(i + 0.5), _BOTTOM)) for i in changed])
    )
    names = [((x.at(i + 0.5), _TOP - 6), moments[i].version[:12]) for i in changed[-4:]]
    parts.append(texts("tick middle", names))
    seen = [(i, m) for i, m in enumerate(moments, 1) if m.margin is not None]
    parts.append(polyline("trend", [(x.at(i), y.at(m.margin or 0.0)) for i, m in seen]))
    for verdict, shape in SHAPE_OF_OUTCOME.items():
        points = [(x.at(i), y.at(m.margin or 0.0)) for i, m in seen if m.verdict == verdict]
        parts += [marks(verdict, shape, points)] if points else []
    parts.append(text("label middle", ((x.start + x.end) / 2, _BOTTOM + 36), "run"))
    parts.append(side_label((14, (_TOP + _BOTTOM) / 2), "margin"))
    words = f"margin over {count} runs: {', '.join(_counts(moments))}"
    return Chart(
        name=file_name(name, "trend"),
        title="Margin over the runs",
        drawing=svg(_BOTTOM + 46, words, parts),
        caption=f"From {moments[0].started[:16]} to {moments[-1].started[:16]}. 0 is the limit.",
        rows=[["started", "version", "profile", "verdict", "margin"]]
        + [[m.started, m.version, m.profile, m.verdict, m.margin] for m in moments],
    )


def _counts(moments: Sequence[Moment]) -> list[str]:
    verdicts = [m.verdict for m in moments]
    return [f"{verdicts.count(v)} {v}" for v in dict.fromkeys(verdicts)]
