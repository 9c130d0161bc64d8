"""Scenarios by number, the rows that are shown, and the words on region and errors."""

from lpfl.report import build_page
from lpfl.report.observed import nearest, number_of, observed
from lpfl.report.reach import if_wrong_words, region_words, sizes, steps
from lpfl.results.store import Results
from tests.report.samples import CATALOGUE
from tests.results.samples import claim_line, header, observation

SMALL, LARGE = {"input_dim": 3, "law": "signs"}, {"input_dim": 900, "law": "signs"}
REGION = {"input_dim": [3.0, 900.0], "condition_number": [1.0, 389.0], "law": ["gaussian", "signs"]}
IF_WRONG = {
    "0.1": {"refuted": 7, "inconclusive": 1, "confirmed": 0},
    "0.05": {"refuted": 3, "inconclusive": 2, "confirmed": 3},
}


def test_a_row_refers_to_its_scenario_by_number_and_what_is_shared_is_said_once() -> None:
    rows = [
        observation(scenario=SMALL, part="a", statistic=0.2),
        observation(scenario=LARGE, part="a", statistic=0.7),
        observation(scenario=SMALL, part="b", statistic=0.1),
    ]
    seen = observed(rows)
    assert seen.shared == [("law", "signs")]
    assert seen.columns == ["input_dim"]
    assert seen.scenarios == [["1", "3"], ["2", "900"]]
    assert [row[1:3] for row in seen.rows] == [["a", "2"], ["b", "1"]]
    assert seen.rows_left_out == 1
    assert number_of(LARGE, rows) == 2
    assert number_of({"input_dim": 4}, rows) is None


def test_every_refuted_and_open_row_comes_before_the_nearest_of_each_part() -> None:
    rows = [
        observation(outcome="confirmed", statistic=0.9),
        observation(outcome="inconclusive", statistic=0.95),
        observation(outcome="refuted", statistic=1.2),
        observation(outcome="refuted", statistic=1.4),
        observation(outcome="confirmed", statistic=0.3, part="other"),
    ]
    found = [(o["outcome"], o["statistic"]) for o in nearest(rows)]
    assert found == [
        ("refuted", 1.4),
        ("refuted", 1.2),
        ("inconclusive", 0.95),
        ("confirmed", 0.3),
    ]


def test_the_region_in_words() -> None:
    assert sizes(REGION) == "d 3–900, κ 1–389"
    assert region_words(REGION) == "d 3–900, κ 1–389, law gaussian or signs"
    assert [steps({"input_dim": [2, top]}) for top in (10, 100, 1000, 1001)] == [1, 2, 3, 4]
    assert (sizes({}), steps({}), region_words({})) == ("", 0, "")


def test_what_an_error_would_have_done_in_words() -> None:
    assert if_wrong_words(IF_WRONG) == (
        "An error of the prediction would have been refuted: "
        "of 5 % in 3 of 8, of 10 % in 7 of 8 scenarios."
    )
    assert if_wrong_words({}) == ""


def test_the_page_shows_region_strength_and_errors() -> None:
    part = {"kind": "bound", "outcome": "confirmed", "if_wrong": IF_WRONG}
    line = claim_line("LR-08", region=REGION, parts={"contraction": part})
    results = Results(header(["LR-08"]), [observation("LR-08")], {"LR-08": line}, True, [])
    html = build_page(results, CATALOGUE, strengths={line["kind"]: "searched bound"})
    assert "Checked on d 3–900, κ 1–389, law gaussian or signs." in html
    assert '<span class="reach" aria-hidden="true">▮▮▮▯</span> d 3–900, κ 1–389' in html
    assert html.count("searched bound") == 2
    assert "of 10 % in 7 of 8 scenarios." in html
