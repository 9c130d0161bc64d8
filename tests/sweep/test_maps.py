"""Cells pool what rows say, name a winner where seeds agree, and draw without leaking text."""

import math
import re

import pytest

from lpfl.sweep.cells import Cell, compared_cells, lead, pooled, pooled_cells
from lpfl.sweep.data import to_csv
from lpfl.sweep.heat import Shade, heat_map
from lpfl.sweep.maps import shown_maps
from lpfl.sweep.page import build_page
from lpfl.sweep.spec import spec_of
from lpfl.sweep.subjects import Measure, row
from tests.sweep.samples import FIRST_STEP, changed

COSINE = Measure("cosine")
STEPS = Measure("steps", better="lower", pool="median", log=True)


def record(x, y, rows, seed=0, status="done", error=None):
    point = {"aspect": x, "noise_std": y}
    known = {"task": 0, "subject": "s", "status": status, "error": error}
    return {**known, "point": point, "seed": seed, "rows": rows}


def rows(first, second, part="steps", predicted=(None, None)):
    return [
        row("a", part, first, predicted=predicted[0], outcome="w"),
        row("b", part, second, predicted=predicted[1]),
    ]


def compared(values, measure=STEPS, predicted=(None, None)):
    records = [
        record(0.1, 1.0, rows(*pair, predicted=predicted), i) for i, pair in enumerate(values)
    ]
    (cell,) = compared_cells(records, ("a", "b"), "steps", measure, "aspect", "noise_std")
    return cell


def test_a_lead_is_positive_where_the_first_is_better():
    assert lead(10.0, 40.0, STEPS) == 2.0
    assert lead(40.0, 10.0, STEPS) == -2.0
    assert lead(0.75, 0.5, COSINE) == 0.25
    assert lead(None, 3.0, STEPS) == -math.inf
    assert lead(3.0, None, STEPS) == math.inf
    assert lead(None, None, STEPS) is None


def test_a_winner_needs_nine_seeds_in_ten():
    assert not compared([(1.0, 2.0)] * 9 + [(2.0, 1.0)]).open
    assert compared([(1.0, 2.0)] * 8 + [(2.0, 1.0)] * 2).open
    assert compared([(1.0, 2.0)] * 10).value == 1.0
    assert compared([(None, None)] * 3) == Cell(0.1, 1.0, None, None, False, "w")


def test_the_prediction_of_a_pair_is_their_lead():
    assert compared([(1.0, 2.0)] * 3, predicted=(1.0, 4.0)).predicted == 2.0
    assert compared([(1.0, 2.0)] * 3, predicted=(None, 4.0)).predicted is None


def test_pooling():
    assert pooled([1.0, 2.0, 6.0], COSINE) == 3.0
    assert pooled([1.0, 2.0, None], STEPS) == 2.0
    assert pooled([1.0, None, None], STEPS) is None
    assert pooled([3.0, -1.0, None], Measure("m", pool="least", column="margin")) == -1.0
    assert pooled([], COSINE) is None


def test_a_cell_without_a_number_says_why():
    records = [record(0.1, 1.0, [], status="error", error="it broke")]
    (cell,) = pooled_cells(records, "a", "steps", STEPS, "aspect", "noise_std")
    assert cell.note == "error: it broke"
    assert cell.value is None


@pytest.mark.parametrize("diverging", [False, True])
def test_shades_follow_the_numbers(diverging):
    shade = Shade([-2.0, 0.0, 1.0], diverging=diverging, log=False)
    order = [int(shade(v)[1:]) for v in (-math.inf, -2.0, -1.0, 0.0, 1.0, math.inf)]
    assert order == sorted(order)
    assert (order[0], order[-1]) == (0, 10)
    assert not diverging or shade(0.0) == "d5"


def test_the_border_lies_where_the_prediction_changes_sign():
    cells = [Cell(x, 1.0, 1.0, predicted=p) for x, p in ((1, -1.0), (2, -1.0), (3, 2.0))]
    chart = str(heat_map(cells, label="l", x="x", y="y", ends=("low", "high"), diverging=True))
    (border,) = re.findall(r'class="border" d="([^"]*)"', chart)
    assert border.count("M") == 1
    left = float(re.findall(r"M([\d.]+) ", border)[0])
    assert left == pytest.approx(74 + 2 / 3 * (560 - 74 - 14), abs=0.06)


def test_every_cell_says_its_place_and_number():
    cells = [Cell(1.0, "relu", 0.25, 0.2), Cell(2.0, "relu", None, note="diverged")]
    chart = str(heat_map(cells, label="l", x="aspect", y="link", ends=("low", "high")))
    assert "<title>aspect 1, link relu: 0.25, predicted 0.2</title>" in chart
    assert "<title>aspect 2, link relu: diverged</title>" in chart


def page_of(document, records):
    spec = spec_of(document)
    return build_page(spec, records, shown_maps(spec, records), seconds=1.0)


def test_text_of_a_spec_is_shown_as_text():
    document = changed(FIRST_STEP, "title", "<script>alert(1)</script>")
    document = changed(document, "optimizer.0.label", '"><img src=x>')
    found = [row(label, "alignment", 0.5, predicted=0.5) for label in ('"><img src=x>', "SGD")]
    page = page_of(document, [record(0.1, 0.1, found), record(0.4, 2.0, found)])
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in re.sub(r'xmlns="[^"]*"|http-equiv', "", page)
    assert " style=" not in page


def test_a_random_design_is_drawn_as_points():
    document = changed(FIRST_STEP, "design", {"kind": "random", "points": 3})
    document = changed(document, "axes.noise_std", {"low": 0.1, "high": 2.0, "scale": "log"})
    records = [record(x, y, rows(0.5, 0.4, "alignment")) for x, y in ((0.1, 0.2), (1.6, 1.0))]
    for one in records:
        for name, label in zip(one["rows"], ("KFAC", "SGD"), strict=True):
            name["subject"] = label
    page = page_of(document, records)
    assert page.count("aspect d/n 1.6, standard deviation of the label noise 1:") == 3
    assert "KFAC is ahead in 2 of 2 cells" in page


def test_a_formula_is_no_formula_in_the_table():
    found = [row("=cmd()", "steps", -1.5, detail="+1")]
    table = to_csv([record(0.1, 1.0, found)], ["aspect", "noise_std"])
    assert "'=cmd()" in table
    assert "'+1" in table
    assert ",-1.5," in table
