"""Claims x scenarios -> findings -> records."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import fields as fields_of
from typing import Any

import torch

from lpfl.choices import require_device
from lpfl.decide import Outcome, most_severe
from lpfl.sweep.backends import Backend, Lost, Processes
from lpfl.verify.check import (
    Check,
    Trial,
    alpha_per_decision,
)
from lpfl.verify.options import require_words
from lpfl.verify.profiles import profile_named
from lpfl.verify.registry import CHECKS, CLAIMS
from lpfl.verify.running.claim_run import ClaimRun, Record
from lpfl.verify.running.looks import look
from lpfl.verify.running.workers import WARM
from lpfl.verify.scenario import Scenario, scenario_from_json

DTYPES = {"float64": torch.float64, "float32": torch.float32}


@dataclass(frozen=True)
class Plan:
    """What one run evaluates.

    scenario: only this one, instead of anchors and drawn ones. drawn: seed that the scenarios are
    drawn with, where it is not that of the random streams.
    """

    claim_ids: tuple[str, ...]
    profile: str = "quick"
    seed: int = 0
    device: str = "cpu"
    dtype: str = "float64"
    scenario: Scenario | None = None
    drawn: int | None = None

    def __post_init__(self) -> None:
        require_words(profile=self.profile, seed=self.seed, device=self.device, dtype=self.dtype)
        unknown = [claim_id for claim_id in self.claim_ids if claim_id not in CHECKS]
        if unknown or not self.claim_ids:
            raise ValueError(f"claims {unknown} are unknown, needs some of {list(CHECKS)}")
        require_device(self.device)
        if self.scenario is not None:
            if len(self.claim_ids) != 1:
                raise ValueError(f"a scenario needs one claim, got {len(self.claim_ids)}")
            check = CHECKS[self.claim_ids[0]]
            check.space.require(self.scenario)
            check.require_domain(CLAIMS[self.claim_ids[0]], self.scenario)

    def as_json(self) -> dict[str, Any]:
        """Return the plan as JSON-ready fields."""
        fields: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields_of(self)}
        one = None if self.scenario is None else self.scenario.canonical()
        return {**fields, "claim_ids": list(self.claim_ids), "scenario": one}


def plan_from_json(fields: Mapping[str, Any]) -> Plan:
    """Return the plan that ``as_json`` wrote."""
    one = fields["scenario"]
    scenario = None if one is None else scenario_from_json(one)
    return Plan(**{**fields, "claim_ids": tuple(fields["claim_ids"]), "scenario": scenario})


def noisy_claims() -> int:
    """Return how many checks make statistical decisions (they share the error budget)."""
    return sum(check.decisions > 0 for check in CHECKS.values())


def make_trial(
    claim_id: str, scenario: Scenario, *, seed: int, device: str = "cpu", dtype: str = "float64"
) -> Trial:
    """Return the trial of one scenario; raise ValueError if it lies outside the domain."""
    claim, check = CLAIMS[claim_id], CHECKS[claim_id]
    check.require_domain(claim, scenario)
    alpha = alpha_per_decision(noisy_claims(), check.decisions)
    return Trial(claim, scenario, seed, alpha, device, DTYPES[dtype])


def scenarios_of(check: Check, plan: Plan) -> list[Scenario]:
    """Return the scenarios a plan evaluates for one check: anchors first."""
    if plan.scenario is not None:
        return [plan.scenario]
    profile = profile_named(plan.profile)
    seed = plan.seed if plan.drawn is None else plan.drawn
    fixed = check.space.fixed if profile.large else check.space.anchors
    return [*fixed, *check.space.sobol(profile.scenarios, seed)]


def run_claim(claim_id: str, plan: Plan) -> list[Record]:
    """Evaluate one claim; return its observation records and, last, its claim record.

    An exception in the evaluation ends the claim with verdict "error"; what was observed before
    it is kept.
    """
    torch.set_num_threads(1)
    check = CHECKS[claim_id]
    run = ClaimRun(CLAIMS[claim_id])
    scenario: Scenario | None = None
    try:
        for scenario in scenarios_of(check, plan):
            trial = make_trial(
                claim_id, scenario, seed=plan.seed, device=plan.device, dtype=plan.dtype
            )
            run.add(trial, look(check, trial))
    except Exception as error:
        return run.error_records(scenario, error)
    return run.records()


def answer_claim(claim_id: str, plan: Mapping[str, Any]) -> list[Record]:
    """Return the records of one claim of a plan given as JSON: what a worker is asked."""
    return run_claim(claim_id, plan_from_json({**plan, "claim_ids": [claim_id]}))


def run_plan(
    plan: Plan, *, jobs: int = 1, backend: Backend | None = None
) -> Iterator[list[Record]]:
    """Yield the records of each claim as it completes, on ``jobs`` processes or on ``backend``.

    A claim's records do not depend on where it runs or on the order of completion. A claim whose
    process dies is run again; one whose processes die again and again ends with verdict "error",
    and the others go on.
    """
    if jobs < 1:
        raise ValueError(f"jobs={jobs}, needs >= 1")
    if backend is None:
        if jobs == 1 or len(plan.claim_ids) == 1:
            for claim_id in plan.claim_ids:
                yield run_claim(claim_id, plan)
            return
        backend = Processes(jobs, "spawn" if plan.device != "cpu" else WARM)
    tasks = [(claim_id, plan.as_json()) for claim_id in plan.claim_ids]
    for task, answer in backend.answers(answer_claim, tasks, preload=(__name__,)):
        if isinstance(answer, Lost):
            yield ClaimRun(CLAIMS[task[0]]).error_records(None, RuntimeError(answer.reason))
        else:
            yield answer


def overall(claim_records: Sequence[Mapping[str, Any]]) -> Outcome | None:
    """Return the worst outcome over claim records; None if one of them is an error."""
    verdicts = {record["verdict"] for record in claim_records}
    if "error" in verdicts:
        return None
    return most_severe(Outcome(verdict) for verdict in verdicts or {"confirmed"})
