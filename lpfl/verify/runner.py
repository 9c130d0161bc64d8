"""Claims x scenarios -> findings -> records."""

import signal
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from typing import Any

import torch

from lpfl.decide import Outcome
from lpfl.verify.check import Check, Finding, Trial, alpha_per_decision, worst
from lpfl.verify.claims import CHECKS
from lpfl.verify.profiles import profile_named
from lpfl.verify.scenario import Scenario
from theory.claims import CLAIMS
from theory.core.claim import Kind

DTYPES = {"float64": torch.float64, "float32": torch.float32}
Record = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What one run evaluates. scenario: only this one, instead of anchors and drawn ones."""

    claim_ids: tuple[str, ...]
    profile: str = "quick"
    seed: int = 0
    device: str = "cpu"
    dtype: str = "float64"
    scenario: Scenario | None = None

    def __post_init__(self) -> None:
        profile_named(self.profile)
        unknown = [claim_id for claim_id in self.claim_ids if claim_id not in CHECKS]
        if unknown or not self.claim_ids:
            raise ValueError(f"claims {unknown} are unknown, needs some of {list(CHECKS)}")
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype={self.dtype!r}, needs one of {sorted(DTYPES)}")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise ValueError(f"seed={self.seed!r}, needs an integer >= 0")
        require_device(self.device)
        if self.scenario is not None:
            if len(self.claim_ids) != 1:
                raise ValueError(f"a scenario needs one claim, got {len(self.claim_ids)}")
            check = CHECKS[self.claim_ids[0]]
            check.space.require(self.scenario)
            check.require_domain(CLAIMS[self.claim_ids[0]], self.scenario)


def require_device(device: str) -> None:
    """Raise ValueError unless ``device`` is cpu, or cuda with a GPU present."""
    kind = device.split(":")[0]
    if kind not in ("cpu", "cuda"):
        raise ValueError(f"device={device!r}, needs cpu or cuda")
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device={device!r}, needs a CUDA GPU: torch finds 0")


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
    count = profile_named(plan.profile).scenarios
    return [*check.space.anchors, *check.space.sobol(count, plan.seed)]


class ClaimRun:
    """Collects the findings of one claim, and turns them into records."""

    def __init__(self, claim_id: str) -> None:
        self.claim_id = claim_id
        self.findings: list[tuple[Scenario, Finding]] = []
        self._observations: list[Record] = []
        self._started = time.perf_counter()

    def add(self, trial: Trial, findings: Sequence[Finding]) -> None:
        """Keep what one scenario showed; only the first scenario keeps pictures and tables."""
        first = not self.findings
        self._observations += [
            observation(trial, finding, illustrated=first) for finding in findings
        ]
        self.findings += [(trial.scenario, finding) for finding in findings]

    def records(self) -> list[Record]:
        """Return the observations and, last, the claim record: the worst finding decides."""
        final = worst(
            [finding for _, finding in self.findings],
            bounds_decide=CLAIMS[self.claim_id].kind in (Kind.BOUND, Kind.BOUND_WHP),
        )
        at = next(scenario for scenario, finding in self.findings if finding is final)
        summary = {
            **self._summary(final.verdict.outcome.value),
            **_numbers(final),
            "scenarios": len({scenario for scenario, _ in self.findings}),
            "replicates": sum(finding.verdict.replicates for _, finding in self.findings),
            "worst": {
                "scenario": at.as_json(),
                "part": final.part,
                "predicted": final.verdict.predicted,
                "measured": final.verdict.measured,
                "detail": final.verdict.detail,
            },
        }
        return [*self._observations, summary]

    def error_records(self, scenario: Scenario | None, error: Exception) -> list[Record]:
        """Return the observations and a claim record with verdict "error"."""
        numbers = {"alpha": 0.0, "statistic": 0.0, "margin": 0.0, "margin_std_error": 0.0}
        summary = {
            **self._summary("error"),
            **numbers,
            "detectable": None,
            "samples_needed": None,
            "scenarios": len({scenario for scenario, _ in self.findings}),
            "replicates": 0,
            "worst": {
                "scenario": {} if scenario is None else scenario.as_json(),
                "part": "",
                "predicted": None,
                "measured": None,
                "detail": "".join(traceback.format_exception(error)[-2:]),
            },
        }
        return [*self._observations, summary]

    def _summary(self, verdict: str) -> Record:
        return {
            "type": "claim",
            "claim": self.claim_id,
            "kind": CLAIMS[self.claim_id].kind.value,
            "verdict": verdict,
            "seconds": round(time.perf_counter() - self._started, 3),
        }


def run_claim(claim_id: str, plan: Plan) -> list[Record]:
    """Evaluate one claim; return its observation records and, last, its claim record.

    An exception in the evaluation ends the claim with verdict "error"; what was observed before
    it is kept.
    """
    torch.set_num_threads(1)
    run = ClaimRun(claim_id)
    scenario: Scenario | None = None
    try:
        check = CHECKS[claim_id]
        for scenario in scenarios_of(check, plan):
            trial = make_trial(
                claim_id, scenario, seed=plan.seed, device=plan.device, dtype=plan.dtype
            )
            run.add(trial, list(check.measure(trial)))
    except Exception as error:
        return run.error_records(scenario, error)
    return run.records()


def observation(trial: Trial, finding: Finding, *, illustrated: bool = False) -> Record:
    """Return the record of one finding; only an illustrated one has its picture and table."""
    record: Record = {
        "type": "observation",
        "claim": trial.claim.id,
        "kind": trial.claim.kind.value,
        "part": finding.part,
        "scenario": trial.scenario.as_json(),
        "outcome": finding.verdict.outcome.value,
        "predicted": finding.verdict.predicted,
        "measured": finding.verdict.measured,
        "tolerance": finding.verdict.tolerance,
        "replicates": finding.verdict.replicates,
        "detail": finding.verdict.detail,
        **_numbers(finding),
    }
    if illustrated and finding.picture is not None:
        record["picture"] = dict(finding.picture)
    if illustrated and finding.table is not None:
        record["table"] = dict(finding.table)
    return record


def _numbers(finding: Finding) -> Record:
    verdict = finding.verdict
    return {
        "alpha": verdict.alpha,
        "statistic": verdict.statistic,
        "margin": verdict.margin,
        "margin_std_error": verdict.margin_std_error,
        "detectable": verdict.detectable,
        "samples_needed": verdict.samples_needed,
    }


def run_plan(plan: Plan, *, jobs: int = 1) -> Iterator[list[Record]]:
    """Yield the records of each claim as it completes, on ``jobs`` processes.

    A claim's records do not depend on the number of processes or the order of completion.
    """
    if jobs < 1:
        raise ValueError(f"jobs={jobs}, needs >= 1")
    if jobs == 1 or len(plan.claim_ids) == 1:
        for claim_id in plan.claim_ids:
            yield run_claim(claim_id, plan)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_quiet) as pool:
        waiting: set[Future[list[Record]]] = {
            pool.submit(run_claim, claim_id, plan) for claim_id in plan.claim_ids
        }
        finished = False
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
            finished = True
        finally:
            if not finished:  # interrupted or stopped early: do not wait for running claims
                pool.shutdown(wait=False, cancel_futures=True)
                for process in active_children():
                    process.terminate()


def _quiet() -> None:
    """Let the parent alone answer an interrupt."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def overall(claim_records: Sequence[Mapping[str, Any]]) -> Outcome | None:
    """Return the worst outcome over claim records; None if one of them is an error."""
    verdicts = {record["verdict"] for record in claim_records}
    if "error" in verdicts:
        return None
    for outcome in (Outcome.REFUTED, Outcome.INCONCLUSIVE):
        if outcome.value in verdicts:
            return outcome
    return Outcome.CONFIRMED
