"""What one claim showed, scenario by scenario, as records of a results file."""

import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lpfl.decide import Outcome, most_severe
from lpfl.verify.check import MAX_SCENARIOS, Finding, worst
from lpfl.verify.region import region_of
from lpfl.verify.scenario import Scenario
from lpfl.verify.sensitivity import strongest
from lpfl.verify.trial import Trial
from theory.core.claim import Claim

Record = dict[str, Any]


class ClaimRun:
    """Collects the findings of one claim, and turns them into records."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.findings: list[tuple[Scenario, Finding]] = []
        self._trials: list[Trial] = []
        self._started = time.perf_counter()

    def add(self, trial: Trial, findings: Sequence[Finding]) -> None:
        """Keep what one scenario showed.

        Raises ValueError beyond the number of scenarios that the error budget is shared among.
        """
        seen = {scenario for scenario, _ in self.findings}
        if len(seen | {trial.scenario}) > MAX_SCENARIOS:
            raise ValueError(f"{self.claim.id}: more than {MAX_SCENARIOS} scenarios in one run")
        self._trials += [replace(trial, memory={})] * len(findings)
        self.findings += [(trial.scenario, finding) for finding in findings]

    def records(self) -> list[Record]:
        """Return the observations and, last, the claim record: the worst finding decides.

        A claim of which a part was never confronted is not confirmed.
        """
        final = worst([finding for _, finding in self.findings])
        at = next(scenario for scenario, finding in self.findings if finding is final)
        verdict, detail = self.outcome().value, final.verdict.detail
        parts = self.parts()
        missing = [name for name, part in parts.items() if part["outcome"] == "not confronted"]
        if missing and verdict == "confirmed":
            verdict, detail = "inconclusive", f"not confronted: {', '.join(missing)}"
        summary = {
            **self._summary(verdict),
            **numbers(final),
            "scenarios": len({scenario for scenario, _ in self.findings}),
            "replicates": sum(finding.verdict.replicates for _, finding in self.findings),
            "parts": parts,
            "region": region_of(scenario for scenario, _ in self.findings),
            "worst": {
                "scenario": at.as_json(),
                "part": final.name,
                "predicted": final.verdict.predicted,
                "measured": final.verdict.measured,
                "detail": detail,
            },
        }
        return [*self.observations(at), summary]

    def observations(self, deciding: Scenario | None) -> list[Record]:
        """Return the observations; pictures and tables stand in those of one scenario.

        It is the deciding one, or the first that has any where that one has none.
        """
        drawn = [at for at, finding in self.findings if finding.picture or finding.table]
        shown = deciding if deciding in drawn or not drawn else drawn[0]
        return [
            observation(trial, finding, illustrated=at == shown)
            for trial, (at, finding) in zip(self._trials, self.findings, strict=True)
        ]

    def outcome(self) -> Outcome:
        """Return the most severe outcome of all findings, whichever of them is shown."""
        return most_severe(finding.verdict.outcome for _, finding in self.findings)

    def parts(self) -> dict[str, Record]:
        """Return per part of the statement its deciding finding, or that there was none."""
        found: dict[str, Record] = {}
        for name, part in self.claim.parts.items():
            own = [(at, finding) for at, finding in self.findings if finding.part == name]
            if not own:
                found[name] = {"kind": part.kind.value, "outcome": "not confronted"}
                continue
            final = worst([finding for _, finding in own])
            found[name] = {
                "kind": part.kind.value,
                "outcome": final.verdict.outcome.value,
                "scenarios": len({at for at, _ in own}),
                "predicted": final.verdict.predicted,
                "measured": final.verdict.measured,
                **{key: value for key, value in numbers(final).items() if key in PART_NUMBERS},
                "if_wrong": if_wrong(own),
            }
        return found

    def error_records(self, scenario: Scenario | None, error: Exception) -> list[Record]:
        """Return the observations and a claim record with verdict "error"."""
        summary = {
            **self._summary("error"),
            **{"alpha": 0.0, "statistic": 0.0, "margin": 0.0, "margin_std_error": 0.0},
            "detectable": None,
            "samples_needed": None,
            "scenarios": len({scenario for scenario, _ in self.findings}),
            "replicates": 0,
            "parts": self.parts(),
            "worst": {
                "scenario": {} if scenario is None else scenario.as_json(),
                "part": "",
                "predicted": None,
                "measured": None,
                "detail": "".join(traceback.format_exception(error)[-2:]),
            },
        }
        return [*self.observations(scenario), summary]

    def _summary(self, verdict: str) -> Record:
        return {
            "type": "claim",
            "claim": self.claim.id,
            "kind": self.claim.kind.value,
            "verdict": verdict,
            "seconds": round(time.perf_counter() - self._started, 3),
        }


def if_wrong(findings: Sequence[tuple[Scenario, Finding]]) -> Record:
    """Return per share by which the prediction could be wrong in how many scenarios it shows.

    {"0.1": {"refuted": 5, "inconclusive": 2, "confirmed": 1}, ...}: of the scenarios in which the
    part has a number to be wrong by.
    """
    scenarios: dict[Scenario, list[Mapping[float, Outcome]]] = {}
    for at, finding in findings:
        scenarios.setdefault(at, []).append(finding.if_wrong)
    counts: Record = {}
    for outcomes in scenarios.values():
        for share, outcome in strongest(outcomes).items():
            row = counts.setdefault(f"{share:g}", {name.value: 0 for name in Outcome})
            row[outcome.value] += 1
    return counts


PART_NUMBERS = ("statistic", "margin", "margin_std_error")


def observation(trial: Trial, finding: Finding, *, illustrated: bool = False) -> Record:
    """Return the record of one finding; only an illustrated one has its picture and table."""
    part, verdict = trial.claim.parts.get(finding.part), finding.verdict
    record: Record = {
        "type": "observation",
        "claim": trial.claim.id,
        "kind": (part.kind if part else trial.claim.kind).value,
        "part": finding.name,
        "scenario": trial.scenario.as_json(),
        "outcome": finding.verdict.outcome.value,
        "predicted": finding.verdict.predicted,
        "measured": finding.verdict.measured,
        "tolerance": finding.verdict.tolerance,
        "replicates": finding.verdict.replicates,
        "detail": finding.verdict.detail,
        **numbers(finding),
    }
    if verdict.interval is not None:
        record["interval"] = list(verdict.interval)
    if finding.rival is not None:
        record["rival"] = {"name": finding.rival.name, "value": finding.rival.value}
    if illustrated and finding.picture is not None:
        record["picture"] = dict(finding.picture)
    if illustrated and finding.table is not None:
        record["table"] = dict(finding.table)
    return record


def numbers(finding: Finding) -> Mapping[str, Any]:
    """Return the numbers that observations and claims share."""
    verdict = finding.verdict
    return {
        "alpha": verdict.alpha,
        "statistic": verdict.statistic,
        "margin": verdict.margin,
        "margin_std_error": verdict.margin_std_error,
        "detectable": verdict.detectable,
        "samples_needed": verdict.samples_needed,
    }
