"""Which finding decides a claim, and what a run does when something breaks."""

import pytest

from lpfl import decide
from lpfl.decide import Outcome
from lpfl.verify.check import (
    ALPHA_TOTAL,
    MAX_SCENARIOS,
    Finding,
    alpha_per_decision,
    findings_of,
    worst,
)
from lpfl.verify.planting import planted
from lpfl.verify.profiles import PROFILES
from lpfl.verify.registry import CHECKS, CLAIMS, all_faults
from lpfl.verify.running import runner
from lpfl.verify.running.runner import Plan, run_claim, run_plan

NEAR = Finding("near", decide.identity([0.9], tolerance=1.0, coarsest=2.0))
FAR = Finding("far", decide.identity([0.1], tolerance=1.0, coarsest=2.0))
ATTAINED = Finding("attained bound", decide.bound([1.0], 1.0, rounding=0.0))
COARSE = Finding("coarse", decide.identity([0.0], tolerance=1.0))
WRONG = Finding("wrong", decide.identity([1.5], tolerance=1.0, coarsest=2.0))
BROKEN_BOUND = Finding("broken bound", decide.bound([2.0], 1.0, rounding=0.0))


def test_the_smallest_margin_decides_among_equals():
    assert worst([FAR, NEAR]) is NEAR
    assert worst([FAR, ATTAINED, NEAR]) is NEAR
    assert worst([ATTAINED]) is ATTAINED


def test_an_attained_bound_does_not_hide_the_statement():
    assert worst([FAR, NEAR, ATTAINED]) is NEAR
    assert worst([ATTAINED]) is ATTAINED


def test_severity_comes_before_margin():
    assert worst([NEAR, COARSE]) is COARSE
    assert worst([NEAR, COARSE, WRONG]) is WRONG
    assert worst([NEAR, COARSE, BROKEN_BOUND]) is BROKEN_BOUND


def test_error_budget_covers_every_profile():
    """Decisions of one whole run, at their level, stay within the family-wise budget."""
    noisy = [check for check in CHECKS.values() if check.decisions]
    for profile in PROFILES.values():
        spent = sum(
            (profile.scenarios + len(check.space.fixed))
            * check.decisions
            * alpha_per_decision(len(noisy), check.decisions)
            for check in noisy
        )
        assert spent <= ALPHA_TOTAL
    assert max(len(check.space.fixed) for check in noisy) + 200 <= MAX_SCENARIOS


@pytest.mark.parametrize("claim_id", [c for c, check in CHECKS.items() if check.decisions])
def test_no_scenario_decides_more_often_than_declared(claim_id):
    """Findings with a level are at most the declared decisions, on an anchor or Sobol scenario."""
    check = CHECKS[claim_id]
    scenario = [*check.space.anchors, *check.space.sobol(1, 5)][-1]
    trial = runner.make_trial(claim_id, scenario, seed=0)
    noisy = [f for f in findings_of(check, trial) if f.verdict.alpha > 0]
    assert len(noisy) <= check.decisions


def test_an_exception_is_an_error_not_a_verdict(monkeypatch):
    """The claim ends as an error that carries the message; nothing is called refuted."""
    from lpfl.verify.claims.linear_representation.contraction import kfac as kfac_exact

    def broken(*arguments, **options):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(kfac_exact.kfac, "kfac_head_step", broken)
    records = run_claim("LR-06", Plan(("LR-06",)))
    assert records[-1]["verdict"] == "error"
    assert "the disk is full" in records[-1]["worst"]["detail"]
    assert records[-1]["worst"]["scenario"]
    assert runner.overall([records[-1]]) is None


def test_a_planted_fault_is_refuted_with_its_scenario():
    named = "LR-06: a factor two in the head's gradient"
    fault = next(fault for fault in all_faults() if fault.name == named)
    with planted(fault):
        (records,) = run_plan(Plan(("LR-06",)))
    assert records[-1]["verdict"] == "refuted"
    assert records[-1]["margin"] < 0
    assert records[-1]["worst"]["part"].partition(":")[0] in CLAIMS["LR-06"].parts
    assert runner.overall([records[-1]]) is Outcome.REFUTED


def test_overall_is_the_worst():
    def record(verdict: str) -> dict[str, str]:
        return {"verdict": verdict}

    assert runner.overall([record("confirmed")]) is Outcome.CONFIRMED
    assert runner.overall([record("confirmed"), record("inconclusive")]) is Outcome.INCONCLUSIVE
    assert runner.overall([record("refuted"), record("inconclusive")]) is Outcome.REFUTED
