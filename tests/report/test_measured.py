"""The chart of a part: what its labels leave out, its error band, and what it is about."""

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from lpfl.commands.parts.claim_words import letter
from lpfl.report.axes import axis_for
from lpfl.report.measured.against import HEIGHT, against, axis_words, drawn_of
from lpfl.report.measured.error_band import ERRORS, shown_error
from lpfl.report.measured.quantity import quantity_of
from lpfl.report.svg import apart
from tests.results.samples import observation
from theory import CLAIMS
from theory.core.notation import NOTATION

POINTS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=30)


def test_small_numbers_share_one_power_of_ten() -> None:
    axis = axis_for([4e-7, 1.6e-6], 0, 100)
    assert axis.factor == "×10⁻⁶"
    assert [label for _, label in axis.ticks()] == ["0.5", "1", "1.5"]
    assert axis_for([0.2, 1.6], 0, 100).factor == ""
    assert axis_for([1e-7, 1.6], 0, 100, log=True).factor == ""


def test_an_interval_wider_than_the_predictions_stays_inside_the_chart() -> None:
    rows = [
        observation(predicted=p, measured=p, tolerance=0.1) | {"interval": [p - 0.08, p + 0.08]}
        for p in (0.50, 0.51, 0.52)
    ]
    drawing = against(rows, rows[0]["part"])
    assert 'class="interval"' in drawing
    assert "±5 %" in drawing


@pytest.mark.parametrize(("span", "error"), [((0.0, 1.0), 0.1), ((0.98, 1.0), 0.002)])
def test_the_band_leaves_the_chart_readable(span: tuple[float, float], error: float) -> None:
    assert shown_error(span, axis_for(span, 0, 100)) == error
    assert shown_error(span, axis_for([1e-4, 1.0], 0, 100, log=True)) == ERRORS[0]


def test_signs_are_explained_inside_the_drawing() -> None:
    words = str(axis_words())
    for said in ("measured", "deciding", "nearest rival", "tolerance", "interval"):
        assert f">{said}</text>" in words
    assert f'y="{HEIGHT - 5}"' in words


@given(POINTS)
def test_a_mark_is_left_out_only_where_another_one_covers_it(points: list[tuple[int, int]]) -> None:
    kept = apart(sorted(set(points)))
    for x, y in points:
        assert any(abs(x - a) <= 2 and abs(y - b) <= 2 for a, b in kept)


def test_a_part_says_what_is_measured_and_in_which_unit() -> None:
    claim = CLAIMS["LR-16"]
    entry = quantity_of(claim.relations()["large_batch"], "limit", NOTATION)
    assert "<mi>v</mi>" in entry.formula
    assert entry.words == "Stationary variance of one entry of T."
    matrix = quantity_of(
        sp.Eq(NOTATION["M_nu"].symbol, NOTATION["Sigma_s"].symbol), "identity", NOTATION
    )
    assert matrix.words.endswith("of a matrix the entry that differs most.")


@pytest.mark.parametrize(
    ("name", "shown"), [("M_nu", "M_ν"), ("mu_j", "μⱼ"), ("v_ij", "vᵢⱼ"), ("G^*", "G⋆")]
)
def test_letters_of_the_terminal(name: str, shown: str) -> None:
    assert letter(name) == shown


def test_exact_checks_of_the_same_part_do_not_squeeze_the_runs() -> None:
    runs = [
        observation(predicted=p, measured=p, tolerance=0.1) | {"interval": [p - 0.05, p + 0.05]}
        for p in (0.4, 0.5, 0.6)
    ]
    exact = observation(predicted=1e-6, measured=1e-6)
    refuted = observation(predicted=0.5, measured=2.0, outcome="refuted")
    part = runs[0]["part"]
    assert drawn_of([*runs, exact, refuted], part) == [*runs, refuted]
    assert drawn_of([runs[0], exact], part) == [runs[0], exact]
