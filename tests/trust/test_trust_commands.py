"""``lpfl faults`` and ``lpfl calibrate``, on cheap claims."""

import json

import pytest

from lpfl.cli import main
from lpfl.trust.calibration import coverage, exact_interval, runs_within, summary
from lpfl.trust.faults import summary as faults_counted
from lpfl.trust.figures import write_figures
from lpfl.trust.page import page_rows


def test_faults_reports_what_each_claim_saw(tmp_path, capsys):
    assert main(["faults", "--claims", "lr-01", "--json", "--out", str(tmp_path)]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert len(listed) >= 2
    assert listed == json.loads((tmp_path / "faults.json").read_text())
    for fault in listed:
        assert fault["detected"] is True
        assert fault["claims"] == ["LR-01"]
        assert fault["target"].split(".")[0] in ("lpfl", "theory")
        assert fault["scenarios"] >= 1
    counted = json.loads((tmp_path / "summary.json").read_text())
    assert counted["faults"] == counted["detected"] == len(listed)
    assert counted["not_detected"] == []
    assert sum(counted["first_scenario"].values()) == len(listed)
    assert sum(planted for planted, _ in counted["modules"].values()) == len(listed)


def test_a_fault_that_nothing_saw_is_named():
    common = {"target": "lpfl.optim.rule:step", "errors": {}}
    seen = {**common, "id": "A", "detected": True, "scenarios": 3, "claims": ["OP-01"]}
    missed = {**common, "id": "B", "detected": False, "scenarios": None, "claims": []}
    found = faults_counted([seen, missed])
    assert (found["faults"], found["detected"], found["not_detected"]) == (2, 1, ["B"])
    assert found["modules"] == {"lpfl.optim.rule": [2, 1]}
    assert found["first_scenario"] == {"3": 1}


def test_calibrate_adds_runs_to_what_is_there(tmp_path, capsys):
    common = ["calibrate", "--claims", "LR-11", "--scenarios", "1", "--out", str(tmp_path)]
    assert main([*common, "--runs", "1", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["claim_runs"], first["refuted"]) == (1, 0)
    assert main([*common, "--runs", "2", "--json"]) == 0
    both = json.loads(capsys.readouterr().out)
    assert both["claim_runs"] == 2
    assert both["p_values"] == 2 * first["p_values"] > 0
    assert len((tmp_path / "calibration.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["calibrate", "--runs", "0"], "runs=0, needs >= 1"),
        (["calibrate", "--jobs", "0"], "jobs=0, needs >= 1"),
        (["faults", "--scenarios", "0"], "scenarios=0, needs >= 1"),
        (["faults", "--out", " "], "out=' ', needs the path of a folder"),
        (["faults", "--claims", "XX-1", "--out", "never"], "claims='XX-1' matches none"),
    ],
)
def test_bad_input_is_one_line(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def record(claim: str, **outcomes: int) -> dict[str, object]:
    p_values = {"law": [0.2, 0.7]}
    return {
        "task": [claim, 1, 2],
        "outcomes": outcomes,
        "second_looks": 1,
        "open": [],
        "p_values": p_values,
        "margins": {},
    }


def test_a_claim_run_is_as_bad_as_its_worst_scenario():
    found = summary(
        [
            record("A", confirmed=2),
            record("A", confirmed=1, inconclusive=1),
            record("B", refuted=1, inconclusive=1),
            {"task": ["B", 2, 2], "lost": "died"},
        ]
    )
    assert (found["confirmed"], found["inconclusive"], found["refuted"]) == (1, 1, 1)
    assert found["claim_runs"] == 3
    assert found["claims"]["B"]["refuted"] == 1
    assert found["exact_laws"] == 2


def test_the_interval_of_a_rate_is_exact():
    """The rule of three, and both ends."""
    assert exact_interval(0, 2000)[1] == pytest.approx(3.69 / 2000, rel=0.01)
    assert exact_interval(0, 0) == [0.0, 1.0]
    assert exact_interval(5, 5)[1] == 1.0
    low, high = exact_interval(10, 100)
    assert 0.048 < low < 0.05
    assert 0.175 < high < 0.178


def test_dear_claims_get_fewer_runs():
    """The cheap ones keep theirs, the time that is left is shared, and each gets one."""
    given = runs_within({"A": 0.1, "B": 1.0, "C": 100.0}, 60.0, 20)
    assert given == {"A": 20, "B": 20, "C": 1}


def test_intervals_of_means():
    """Within the tolerance, beyond it by little, and by much: in standard errors."""
    found = coverage([[0.5, 1.0, 64], [2.5, 1.0, 64], [9.0, 1.0, 64]])
    assert (found["count"], found["reach_the_statement"], found["hold_the_prediction"]) == (3, 2, 1)


def test_observed_levels_and_pictures(tmp_path):
    found = summary([record("A", confirmed=2), record("B", confirmed=2)])
    level = next(one for one in found["levels"] if one["nominal"] == 0.5)
    assert (level["observed"], level["of"]) == (2, 4)
    for path in write_figures(tmp_path, found):
        assert path.read_text().startswith('<svg xmlns="http://www.w3.org/2000/svg"')


def test_rows_of_the_page_say_what_was_tested(tmp_path):
    assert page_rows(tmp_path) == []
    folder = tmp_path / "calibration"
    folder.mkdir()
    found = summary([record("A", confirmed=2)])
    (folder / "calibration.json").write_text(json.dumps(found))
    (what, number), *_ = page_rows(tmp_path)
    assert what == "True statements checked again with fresh seeds"
    assert number.startswith("0 of 1 refuted")
    (folder / "calibration.json").write_text("[]")
    with pytest.raises(ValueError, match="is no such report"):
        page_rows(tmp_path)


@pytest.mark.parametrize(
    ("record", "words"), [({}, ""), ({"suite": "passed"}, ", 3 with the tests")]
)
def test_the_row_of_mutants_speaks_of_tests_that_were_run(record, words, tmp_path):
    (tmp_path / "mutants").mkdir()
    found = {"mutants": 4, "killed_by_verify": 2, "killed_by_verify_or_tests": 3}
    text = json.dumps({**found, "listed": [record]})
    (tmp_path / "mutants" / "mutants.json").write_text(text)
    row = ("Small changes made by a program", f"2 of 4 seen by the claims{words}")
    assert page_rows(tmp_path) == [row]
