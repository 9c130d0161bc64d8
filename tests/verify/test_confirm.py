"""A regression counts once a second run has shown it; a refutation is never tried again."""

from typing import Any

import pytest

from lpfl.results.baseline import make_baseline
from lpfl.results.gate import GateReport, gate
from lpfl.results.store import Results
from lpfl.verify.running.confirm import confirmed
from lpfl.verify.running.runner import Plan, run_claim
from tests.results.samples import header


@pytest.fixture(name="real", scope="module")
def claim_record() -> dict[str, Any]:
    return run_claim("LR-06", Plan(("LR-06",)))[-1] | {"parts": {}}


def judged(new: dict[str, Any], old: dict[str, Any]) -> GateReport:
    head = header(["LR-06"]) | {"profile": "quick", "seed": 0}
    results, before = Results(head, claims={"LR-06": new}), Results(head, claims={"LR-06": old})
    baseline = make_baseline(before)
    return confirmed(gate(results, baseline), results, baseline)


def test_what_a_fresh_seed_does_not_show_is_chance(real: dict[str, Any]) -> None:
    unlucky = real | {"margin": 0.1, "margin_std_error": 0.01, "statistic": 0.9}
    report = judged(unlucky, real)
    assert [row.status for row in report.rows] == ["not confirmed"]
    assert "which seed 1 does not show" in report.rows[0].message
    assert report.exit_code == 0


def test_what_is_seen_twice_is_a_regression(real: dict[str, Any]) -> None:
    better = real | {"margin": real["margin"] + 0.5, "statistic": real["statistic"] / 1e6}
    report = judged(real, better)
    assert [row.status for row in report.rows] == ["regression"]
    assert "without noise" in report.rows[0].message
    assert report.exit_code == 1


def test_other_scenarios_are_compared_on_those_of_the_baseline(real: dict[str, Any]) -> None:
    head = header(["LR-06"]) | {"profile": "quick", "seed": 0}
    baseline = make_baseline(Results(head, claims={"LR-06": real}))
    worse = real | {"margin": 0.1, "statistic": 0.9}
    results = Results(head | {"seed": 5}, claims={"LR-06": worse})
    report = confirmed(gate(results, baseline), results, baseline)
    assert [row.status for row in report.rows] == ["not confirmed"]
    assert "which seed 0 does not show" in report.rows[0].message


def test_a_refutation_is_not_tried_again(real: dict[str, Any]) -> None:
    report = judged(real | {"verdict": "refuted", "margin": -1.0}, real)
    assert [row.status for row in report.rows] == ["refuted"]
    assert report.exit_code == 1
