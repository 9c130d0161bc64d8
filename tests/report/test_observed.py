"""Scenarios by number, the rows that are shown, and the words on region and errors."""

from lpfl.report import build_page
from lpfl.report.observed import DITTO, by_severity, number_of, observed
from lpfl.report.reach import if_wrong_words, region_words, sizes
from lpfl.report.region_map import cell_of, region_map
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
        observation(scenario=LARGE, part="a", statistic=1.7, outcome="refuted", detail="why"),
        observation(scenario=SMALL, part="b", statistic=1.1, outcome="refuted", detail="why"),
    ]
    seen = observed(rows)
    assert seen.total == 3
    assert seen.shared == [("law", "signs")]
    assert seen.columns == ["input_dim"]
    assert seen.scenarios == [["1", "3"], ["2", "900"]]
    assert [row[1:3] for row in seen.rows] == [["a", "2"], ["b", "1"]]
    assert [row[-1] for row in seen.rows] == ["why", DITTO]
    assert seen.rows_left_out == 0
    assert number_of(LARGE, rows) == 2
    assert number_of({"input_dim": 4}, rows) is None


def test_confirmed_observations_are_counted_and_left_to_the_file() -> None:
    seen = observed([observation(outcome="confirmed")] * 5)
    assert (seen.total, seen.rows, seen.scenarios) == (5, [], [])


def test_refuted_rows_come_before_open_ones_the_nearest_to_the_limit_first() -> None:
    rows = [
        observation(outcome="confirmed", statistic=0.9),
        observation(outcome="inconclusive", statistic=0.95),
        observation(outcome="refuted", statistic=1.2),
        observation(outcome="refuted", statistic=1.4),
    ]
    found = [(o["outcome"], o["statistic"]) for o in by_severity(rows)]
    assert found == [
        ("refuted", 1.4),
        ("refuted", 1.2),
        ("inconclusive", 0.95),
        ("confirmed", 0.9),
    ]


def test_the_map_has_a_cell_for_each_pair_of_decades() -> None:
    wide = {"family": "geometric", "log10_cond": 2.5, "dim": 900}
    scenarios = [{"input_dim": 10}, {"input_dim": 11}, {"covariance": wide}, {"input_dim": 2000}]
    assert [cell_of(s) for s in scenarios] == [(0, 0), (1, 0), (2, 2), (3, 0)]
    assert cell_of({"input_dim": 5, "covariance": wide | {"family": "identity"}}) == (0, 0)
    assert cell_of({"law": "signs"}) is None
    assert region_map("LR-08", scenarios * 2).count("h7v7h-7z") == 4
    assert region_map("LR-08", [{}]) == ""


def test_the_region_in_words() -> None:
    assert sizes(REGION) == "d 3–900, κ 1–389"
    assert region_words(REGION) == "d 3–900, κ 1–389, law gaussian or signs"
    assert (sizes({}), region_words({})) == ("", "")


def test_what_an_error_would_have_done_in_words() -> None:
    assert if_wrong_words(IF_WRONG) == "5, 10 % off refuted in 3, 7 of 8"
    always = {"0.05": {"refuted": 8}, "0.1": {"refuted": 8}, "0.25": {"refuted": 8}}
    assert if_wrong_words(always) == "5 % off refuted in 8 of 8"
    uneven = {"0.05": {"refuted": 3, "confirmed": 3}, "0.1": {"refuted": 8}}
    assert if_wrong_words(uneven) == "5, 10 % off refuted in 3 of 6, 8 of 8"
    assert if_wrong_words({}) == ""


def test_an_error_that_nothing_refutes_is_named() -> None:
    passing = {"refuted": 0, "inconclusive": 0, "confirmed": 6}
    said = if_wrong_words({"0.1": passing, "0.25": passing})
    assert said.endswith("; 25 % would pass: tolerance and interval are wider")
    doubtful = {"refuted": 0, "inconclusive": 5, "confirmed": 1}
    said = if_wrong_words({"0.05": passing, "0.25": doubtful})
    assert said.endswith("; 25 % would leave 5 open")


def test_the_page_shows_region_strength_and_errors() -> None:
    part = {"kind": "bound", "outcome": "confirmed", "if_wrong": IF_WRONG}
    line = claim_line("LR-08", region=REGION, parts={"contraction": part})
    results = Results(header(["LR-08"]), [observation("LR-08")], {"LR-08": line}, True, [])
    html = build_page(results, CATALOGUE, strengths={line["kind"]: "searched bound"})
    assert "Checked on d 3–900, κ 1–389, law gaussian or signs." in html
    assert "d 3–900, κ 1–389<" in html
    assert html.count("searched bound") == 2
    assert "5, 10 % off refuted in 3, 7 of 8" in html
