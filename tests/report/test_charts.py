"""Axes and charts: every finite number has a place inside the drawing."""

import itertools
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lpfl.report
from lpfl.report.axes import axis_for, spans_decades
from lpfl.report.chart import chart_of_picture
from lpfl.report.export import export_charts
from lpfl.report.limits import END, STATISTIC_LABELS, gauge, strip
from lpfl.report.measured.against import against, parts_to_draw
from lpfl.report.pictures import MARK_SHAPES, colours_of, hidden_points, picture
from lpfl.report.svg import WIDTH, thinned
from lpfl.results.schema import KINDS
from tests.report.samples import PICTURE
from tests.results.samples import observation

FINITE = st.floats(allow_nan=False, allow_infinity=False)
OUTCOMES = st.sampled_from(["confirmed", "refuted", "inconclusive"])


@given(values=st.lists(FINITE, max_size=5), log=st.booleans())
def test_every_value_lies_on_the_axis_and_ticks_are_few_and_ordered(
    values: list[float], log: bool
) -> None:
    axis = axis_for(values, 10, 100, log=log)
    places = [axis.at(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(10 <= place <= 100 for place in places)
    ticks = axis.ticks()
    assert len(ticks) <= 8
    assert all(a[0] < b[0] for a, b in itertools.pairwise(ticks))


@given(low=st.floats(-1e6, 1e6), span=st.floats(1e-3, 1e6))
def test_a_linear_axis_has_ticks_with_different_labels(low: float, span: float) -> None:
    labels = [label for _, label in axis_for([low, low + span], 0, 1).ticks()]
    assert len(labels) >= 2
    assert len(set(labels)) == len(labels)


def test_decades() -> None:
    assert spans_decades([0.001, 1.0])
    assert not spans_decades([0.1, 1.0])
    assert not spans_decades([-1.0, 1000.0])
    assert not spans_decades([])


@given(rows=st.lists(st.tuples(OUTCOMES, FINITE, FINITE, FINITE), min_size=1, max_size=6))
def test_charts_of_any_numbers_are_drawings_without_inline_style(
    rows: list[tuple[str, float, float, float]],
) -> None:
    observations = [
        observation(outcome=o, statistic=s, predicted=p, measured=m, tolerance=abs(p))
        | {"interval": sorted((m, s)), "rival": {"name": "other", "value": s}}
        for o, s, p, m in rows
    ]
    drawn = parts_to_draw(observations, "")
    assert bool(drawn) == any(p for _, _, p, _ in rows)
    drawings = [strip(observations)]
    drawings += [against(observations, part, observations[0]["scenario"]) for part in drawn]
    for drawing in drawings:
        root = ET.fromstring(drawing)
        assert root.get("aria-label")
        assert not any("style" in e.attrib for e in root.iter())
        assert "nan" not in drawing
        assert "inf" not in drawing


@given(st.lists(st.tuples(st.sampled_from("abcdefghijkl"), FINITE), min_size=1, max_size=40))
def test_marks_stay_inside_the_strip(rows: list[tuple[str, float]]) -> None:
    drawing = strip([observation(part=p, statistic=s) for p, s in rows])
    root = ET.fromstring(drawing)
    height = float(root.get("viewBox", "").split()[3])
    paths = [e.get("d", "") for e in root if "mark" in e.get("class", "")]
    points = [tuple(map(float, p.split())) for p in re.findall(r"M([-\d. ]+)h0", "".join(paths))]
    assert points
    assert all(0 <= x <= WIDTH and 0 <= y <= height for x, y in points)


def test_each_part_has_its_lane_and_many_share_the_last() -> None:
    few = strip([observation(part=p) for p in ("one", "two: a", "two: b")])
    assert [w for w in ("one", "two") if f">{w}</text>" in few] == ["one", "two"]
    many = strip([observation(part=f"part {i}") for i in range(12)])
    assert many.count(">part ") == 7
    assert ">further parts</text>" in many


def test_the_axis_of_limits_is_the_same_for_all_observations() -> None:
    for statistics in ((0.9, 1.1), (1e-5, 30.0), (-7.0, 2.0)):
        inside, outside = (observation(statistic=s) for s in statistics)
        outside = outside | {"outcome": "refuted"}
        root = ET.fromstring(strip([inside, outside]))
        paths = {e.get("class"): e.get("d", "") for e in root}
        x_of = {k: float(d[1:].split()[0]) for k, d in paths.items() if d}
        assert x_of["limit"] == pytest.approx(14 + (WIDTH - 28) / END, abs=0.1)
        assert x_of["mark dot confirmed"] < x_of["limit"] < x_of["mark cross refuted"]


def test_the_part_with_intervals_and_varied_numbers_is_drawn() -> None:
    counts = [observation(part="count", predicted=3.0, measured=3.0)] * 4
    rates = [observation(part="rate: a", predicted=p, measured=p) for p in (0.5, 0.6, 0.7)]
    noisy = [observation(part="mean", predicted=2.0, measured=2.1) | {"interval": [1.0, 3.0]}]
    errors = [observation(part="error", predicted=0.0, measured=1e-16)]
    nothing = [observation(part="law", predicted=None, measured=None)]
    assert parts_to_draw([*counts, *rates, *noisy], "count") == ["mean"]
    assert parts_to_draw([*counts, *rates], "count") == ["rate"]
    assert parts_to_draw([*counts, *errors, *nothing], "error") == ["count"]
    assert parts_to_draw([*errors, *nothing], "error") == []


def test_a_chart_shows_prediction_interval_tolerance_rival_and_the_deciding_scenario() -> None:
    rows = [
        observation(predicted=p, measured=1.02 * p, tolerance=0.2, scenario={"input_dim": i})
        | {"interval": [p, 1.04 * p], "rival": {"name": "half", "value": 0.9 * p}}
        for i, p in enumerate((1.0, 2.0, 3.0))
    ]
    part = rows[0]["part"]
    kinds = [e.get("class") for e in ET.fromstring(against(rows, part, {"input_dim": 1}))]
    for kind in ("about", "identity", "tolerance", "interval", "mark square rival", "deciding"):
        assert kinds.count(kind) == 1
    same = [row | {"predicted": 2.0} for row in rows]
    assert "by scenario" in against(same, part)
    assert "largest deviation 2 %" in against(rows, part)


def test_lines_lose_the_points_that_a_straight_line_replaces() -> None:
    straight = [(float(i), 2.0 * i) for i in range(100)]
    assert thinned(straight, 0.3) == [straight[0], straight[-1]]
    corner = [*straight, (200.0, 0.0)]
    assert thinned(corner, 0.3) == [straight[0], straight[-1], (200.0, 0.0)]


def test_the_signs_of_outcomes_are_those_of_no_series() -> None:
    assert not {"dot", "triangle", "cross"} & set(MARK_SHAPES)
    assert len(set(MARK_SHAPES)) == 12


def test_a_method_has_its_colour_in_every_picture() -> None:
    def series(*names: str) -> list[dict[str, Any]]:
        return [{"name": name, "style": "line", "x": [1], "y": [1]} for name in names]

    assert colours_of(series("SGD, limit", "KFAC, limit", "SGD, runs")) == [1, 0, 1]
    assert colours_of(series("KFAC")) == [0]
    assert len(set(colours_of(series("KFAC(0)", "KFAC(λ)", "lower bound")))) == 3
    assert len(set(colours_of(series(*[f"n{i}" for i in range(12)])))) == 12


def test_every_kind_has_a_label_of_its_statistic() -> None:
    assert set(STATISTIC_LABELS) == set(KINDS)


def test_the_gauge_ends_at_the_limit_for_statistic_one() -> None:
    assert 'd="M1 5h50"' in gauge(1.0, "confirmed")
    assert 'd="M1 5h62"' in gauge(1e9, "refuted")
    assert gauge(None, "error") == ""


SERIES = st.lists(st.tuples(FINITE, FINITE, FINITE), max_size=5)


@given(
    series=st.lists(SERIES, max_size=13),
    log=st.booleans(),
    style=st.sampled_from(["line", "points", "bars"]),
    wide=st.booleans(),
)
def test_a_picture_of_any_numbers_is_a_drawing(
    series: list[list[tuple[float, float, float]]], log: bool, style: str, wide: bool
) -> None:
    data: dict[str, Any] = {
        "title": "<t>",
        "x_label": "x",
        "y_label": 'y"&',
        "x_scale": "log" if log else "linear",
        "y_scale": "log" if log else "linear",
        "wide": wide,
        "series": [
            {
                "name": "</text><script>",
                "style": style,
                "x": [p[0] for p in points],
                "y": [p[1] for p in points],
                "low": [p[2] for p in points],
                "high": [p[2] for p in points],
            }
            for points in series
        ],
    }
    root = ET.fromstring(picture(data))
    assert {e.tag for e in root.iter()} <= {"svg", "g", "path", "text", "rect"}
    assert not any("style" in e.attrib for e in root.iter())


def test_points_that_a_log_axis_hides_are_counted() -> None:
    data = PICTURE | {"series": [{"name": "a", "style": "points", "x": [1, 2], "y": [0.0, 1.0]}]}
    assert hidden_points(data) == 1
    assert hidden_points(data | {"y_scale": "linear"}) == 0


def test_a_long_series_is_thinned() -> None:
    long = {"name": "a", "style": "line", "x": list(range(10_000)), "y": [1.0] * 10_000}
    assert len(picture(PICTURE | {"series": [long]})) < 12_000


def many(style: str, count: int = 12) -> dict[str, Any]:
    return PICTURE | {
        "series": [
            {"name": f"n{i}", "style": style, "x": [1, 2], "y": [1.0, 2.0 + i]}
            for i in range(count)
        ]
    }


@pytest.mark.parametrize("style", ["line", "points"])
def test_twelve_series_are_told_apart_without_colour(style: str) -> None:
    drawing = picture(many(style))
    forms = re.findall(r'class="(?:series|mark) (\w+) s(\d+)"', drawing)
    assert len(set(forms)) == 12
    assert len({form for form, _ in forms}) == 12


def test_every_dash_and_colour_is_in_the_style_sheet() -> None:
    style = (Path(lpfl.report.__file__).parent / "templates" / "page.css").read_text()
    dashes = [re.search(rf"\.dash{i} {{ stroke-dasharray: ([\d. ]+);", style) for i in range(1, 12)]
    assert len({found[1] for found in dashes if found}) == 11
    for i in range(12):
        assert f".s{i} {{ color: var(--s{i}); }}" in style
        assert len(re.findall(rf"--s{i}: #", style)) == 2


def test_a_prediction_has_the_colour_of_its_series_and_no_place_in_the_legend() -> None:
    one = {"name": "KFAC", "style": "line", "x": [1, 2], "y": [1.0, 2.0], "colour": 5}
    guess = one | {"name": "foretold", "role": "prediction"}
    drawing = picture(PICTURE | {"series": [one, guess]})
    assert 'class="predicted s5"' in drawing
    assert ">KFAC</text>" in drawing
    assert ">foretold</text>" not in drawing


def test_bars_stand_on_zero_and_touch() -> None:
    data = PICTURE | {
        "y_scale": "linear",
        "series": [{"name": "h", "style": "bars", "x": [1, 2, 3], "y": [4.0, 2.0, 6.0]}],
    }
    rects = [e.attrib for e in ET.fromstring(picture(data)) if e.get("class") == "bar s0"][1:]
    boxes = [[float(r[key]) for key in ("x", "y", "width", "height")] for r in rects]
    heights = [h for *_, h in boxes]
    assert heights[0] / heights[1] == pytest.approx(2.0, abs=0.01)
    assert heights[2] / heights[1] == pytest.approx(3.0, abs=0.01)
    feet = [y + h for _, y, _, h in boxes]
    assert max(feet) - min(feet) <= 0.2
    for left, right in itertools.pairwise(boxes):
        assert left[0] + left[2] == pytest.approx(right[0], abs=0.2)
        assert left[2] == pytest.approx(right[2], abs=0.2)


def test_limits_put_what_lies_outside_on_the_edge() -> None:
    series = [{"name": "a", "style": "points", "x": [1, 2], "y": [0.5, 1e9]}]
    drawing = picture(PICTURE | {"series": series, "y_limits": [0.1, 1.0]})
    labels = re.findall(r">([^<]*)</text>", drawing)
    assert "1" in labels
    assert "10⁹" not in labels


def test_a_file_of_charts_is_xml_whatever_a_title_holds(tmp_path: Path) -> None:
    title = "</text><script>\x00\x1b[31m\u202e\ufffe]]>&"
    chart = chart_of_picture(PICTURE | {"title": title}, "a")
    written = export_charts([replace(chart, rows=[("x", " =cmd|'/c calc'!A1\x1b")])], tmp_path)
    svg, table = (path.read_text() for path in written)
    shown = "".join(ET.fromstring(svg).itertext())
    assert "</text><script>\ufffd\ufffd[31m\ufffd\ufffd]]>&" in shown
    assert table == "x,' =cmd|'/c calc'!A1\ufffd\n"
