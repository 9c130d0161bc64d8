"""Pictures: one colour a method, labels inside the drawing, words that both papers show."""

from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lpfl.report
from lpfl.report.axes import axis_for
from lpfl.report.measured.error_band import _corners
from lpfl.report.names import GAP, names_at_ends, spread
from lpfl.report.pictures import colours_of, picture
from lpfl.report.svg import WIDTH
from tests.report.samples import PICTURE


def test_lines_and_points_of_a_method_share_a_colour_under_two_names() -> None:
    styles = {"AMGD at its best step, predicted": "line", "AMGD, measured": "points"}
    styles |= {"KFAC(0), limit": "line", "KFAC(1), limit": "line"}
    best, measured, undamped, damped = colours_of(
        [{"name": name, "style": style} for name, style in styles.items()]
    )
    assert best == measured
    assert len({best, undamped, damped}) == 3


def test_the_band_leaves_the_chart_where_its_edge_does() -> None:
    x, y = (axis_for([1.0, 10.0], *pixels) for pixels in ((0, 100), (100, 0)))
    for error in (-0.1, 0.1):
        bends = _corners(x, y, error)
        assert bends == sorted(bends)
        leaves = [v * (1 + error) == pytest.approx(y.high) for v in bends]
        assert any(leaves) == (error > 0)


@pytest.mark.parametrize("letters", [10, 40, 65, 120])
def test_a_label_and_the_names_of_the_legend_stay_inside(letters: int) -> None:
    data = {**PICTURE, "x_label": "x" * letters}
    data["series"] = [{**one, "name": "n" * letters} for one in PICTURE["series"]]
    for e in ET.fromstring(picture(data)).iter("text"):
        at, words = float(e.get("x", "0")), e.text or ""
        tight = "tight" in e.get("class", "")
        width = (5.6 if tight else 6.5) * len(words)
        if "label" in e.get("class", "") and not e.get("transform"):
            assert at - width / 2 >= 0
            assert at + width / 2 <= WIDTH
        if e.get("class") == "legend":
            assert at + width <= WIDTH + 6


def test_words_that_charts_share_are_styled_without_an_ancestor() -> None:
    sheet = (Path(lpfl.report.__file__).parent / "templates" / "page.css").read_text("utf-8")
    for rule in ("\ntext, .tick { fill:", "\n.label, .legend { fill:", ".cells { fill:"):
        assert rule in sheet


@given(st.lists(st.floats(0.0, 300.0), min_size=1, max_size=12))
def test_names_at_lines_are_apart_in_order_and_inside(heights: list[float]) -> None:
    placed = spread(sorted(heights), 0.0, 300.0)
    assert all(b - a >= GAP - 1e-6 for a, b in pairwise(placed))
    assert placed[0] >= -1e-6
    assert placed[-1] <= 300.0 + 1e-6


def test_names_with_room_stay_where_their_lines_end() -> None:
    assert spread([10.0, 40.0, 100.0], 0.0, 300.0) == [10.0, 40.0, 100.0]
    assert spread([50.0, 50.0], 0.0, 300.0) == [50.0 - GAP / 2, 50.0 + GAP / 2]
    ends = [((0.0, 50.0), "a", 0), ((0.0, 50.0), "b", 1)]
    assert sum("pointer" in str(part) for part in names_at_ends(ends, 100.0, 0.0, 300.0)) == 2
    assert len(names_at_ends(ends[:1], 100.0, 0.0, 300.0)) == 1
