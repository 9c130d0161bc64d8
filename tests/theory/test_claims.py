"""One test per claim: Hypothesis draws scenarios, the claim's check decides each."""

import json

import pytest
from hypothesis import given, settings

from lpfl.decide import Outcome
from lpfl.pytest_plugin import RECORDS_PROPERTY
from lpfl.results.reproduce import reproduce_command
from lpfl.verify.check import findings_of, worst
from lpfl.verify.claim_run import ClaimRun
from lpfl.verify.profiles import profile_named
from lpfl.verify.registry import CHECKS, CLAIMS
from lpfl.verify.runner import make_trial
from lpfl.verify.scenario import Scenario

pytestmark = pytest.mark.theory


@pytest.mark.parametrize("claim_id", list(CHECKS))
def test_claim(claim_id, pytestconfig, record_property):
    """Every drawn scenario confirms the claim; a refutation shrinks to a simple scenario."""
    check = CHECKS[claim_id]
    seed = pytestconfig.getoption("--lpfl-seed")
    options = {
        "device": pytestconfig.getoption("--lpfl-device"),
        "dtype": pytestconfig.getoption("--lpfl-dtype"),
    }
    profile = pytestconfig.getoption("--lpfl-profile")
    run = ClaimRun(CLAIMS[claim_id])

    def confront(scenario: Scenario) -> None:
        trial = make_trial(claim_id, scenario, seed=seed, **options)
        findings = findings_of(check, trial)
        run.add(trial, findings)
        decisive = worst(findings)
        assert decisive.verdict.outcome is Outcome.CONFIRMED, (
            f"{claim_id} is {decisive.verdict.outcome} in part {decisive.name!r}: "
            f"predicted {decisive.verdict.predicted}, measured {decisive.verdict.measured}, "
            f"detectable {decisive.verdict.detectable}; reproduce with\n"
            f"{reproduce_command(claim_id, scenario.as_json(), {'seed': seed, **options})}"
        )

    try:
        for anchor in check.space.anchors:
            confront(anchor)
        drawn = given(check.space.strategy())(confront)
        if profile is not None:
            drawn = settings(max_examples=profile_named(profile).scenarios)(drawn)
        drawn()
    finally:
        if run.findings:
            record_property(RECORDS_PROPERTY, json.dumps(run.records()))
