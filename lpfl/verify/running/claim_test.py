"""One claim as a test: Hypothesis draws scenarios, the claim's check decides each.

A refutation fails, and so does an anchor that is not confirmed. A drawn scenario that stays open
after its second look is a warning with the command that reproduces it; more than one in ten, and
the test fails.
"""

import json
import warnings
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings

from lpfl.decide import Outcome
from lpfl.results.reproduce import reproduce_command
from lpfl.verify.check import worst
from lpfl.verify.profiles import profile_named
from lpfl.verify.registry import CHECKS, CLAIMS
from lpfl.verify.running.claim_run import ClaimRun
from lpfl.verify.running.looks import OpenScenario, look
from lpfl.verify.running.runner import make_trial
from lpfl.verify.scenario import Scenario

OPEN_SHARE = 0.1  # of the scenarios of a claim


def large(profile: str | None) -> bool:
    """Say whether large anchors run: from ci on, be it a profile of ours or of Hypothesis."""
    if profile is not None:
        return profile_named(profile).large
    return settings().max_examples >= profile_named("ci").scenarios


def confront_claim(
    claim_id: str,
    *,
    seed: int,
    device: str,
    dtype: str,
    profile: str | None,
    keep: Callable[[str], None],
) -> None:
    """Run the anchors and drawn scenarios of a claim; a refutation shrinks to a simple scenario.

    profile: how many are drawn; None leaves it to the profile of Hypothesis. keep: gets the records
    as JSON, however the test ends. Raises AssertionError as described above.
    """
    check = CHECKS[claim_id]
    options: dict[str, Any] = {"device": device, "dtype": dtype}
    run = ClaimRun(CLAIMS[claim_id])
    seen: set[Scenario] = set()
    left_open: dict[Scenario, str] = {}

    def confront(scenario: Scenario) -> None:
        trial = make_trial(claim_id, scenario, seed=seed, **options)
        findings = look(check, trial)
        run.add(trial, findings)
        seen.add(scenario)
        decisive = worst(findings)
        verdict = decisive.verdict
        said = (
            f"{claim_id} is {verdict.outcome} in part {decisive.name!r}: "
            f"predicted {verdict.predicted}, measured {verdict.measured}, "
            f"detectable {verdict.detectable}; reproduce with\n"
            f"{reproduce_command(claim_id, scenario.as_json(), {'seed': seed, **options})}"
        )
        if verdict.outcome is Outcome.INCONCLUSIVE and scenario not in check.space.fixed:
            left_open[scenario] = said
            return
        if verdict.outcome is not Outcome.CONFIRMED:
            raise AssertionError(said)

    try:
        for anchor in check.space.fixed if large(profile) else check.space.anchors:
            confront(anchor)
        drawn = given(check.space.strategy())(confront)
        if profile is not None:
            drawn = settings(
                max_examples=profile_named(profile).scenarios,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow],
            )(drawn)
        drawn()
    finally:
        if run.findings:
            keep(json.dumps(run.records()))
    for said in left_open.values():
        warnings.warn(said, OpenScenario, stacklevel=1)
    most = max(1, OPEN_SHARE * len(seen))
    if len(left_open) > most:
        raise AssertionError(
            f"{claim_id}: {len(left_open)} of {len(seen)} scenarios are inconclusive, "
            f"needs <= {most:g}"
        )
