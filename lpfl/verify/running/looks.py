"""A scenario that chance left open is looked at once more, with more replicates.

Both looks are planned before anything is drawn and share the level of a decision (the union bound
over LOOKS), so the error budget holds. The second look has streams of its own and decides alone.
"""

from dataclasses import replace

from lpfl.decide import Outcome
from lpfl.verify.check import Check, Finding, findings_of, worst
from lpfl.verify.trial import Trial

EFFORT = 4  # halves every interval
SECOND = f"second look, {EFFORT} times the replicates"


class OpenScenario(UserWarning):
    """A drawn scenario that stayed inconclusive."""


def look(check: Check, trial: Trial) -> list[Finding]:
    """Return the findings of a scenario: those of the second look where the first left it open.

    A scenario is open if the finding that decides it is inconclusive and statistical.
    """
    findings = findings_of(check, trial)
    decisive = worst(findings).verdict
    if decisive.outcome is not Outcome.INCONCLUSIVE or decisive.alpha == 0.0:
        return findings
    again = findings_of(check, replace(trial, effort=EFFORT, memory={}))
    return [_marked(finding) for finding in again]


def _marked(finding: Finding) -> Finding:
    """Say in the detail of a statistical finding that it comes from the second look."""
    verdict = finding.verdict
    if verdict.alpha == 0.0:
        return finding
    detail = "; ".join(part for part in (verdict.detail, SECOND) if part)
    return replace(finding, verdict=verdict.with_detail(detail))
