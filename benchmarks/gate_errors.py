"""How often the gate cries wolf, and what it misses: A/A runs, planted faults, small drifts.

A/A, twice: the same code on fresh seeds, and on the scenarios of the baseline with fresh random
streams, as after a change that only draws differently. Regressions: every fault of the catalogue
in FAULTY, and drifts: all that a check measures is moved by a share of what its tolerance allows.
Each run goes through `lpfl gate --confirm` against a baseline of the same code on seed 0.

Run: python benchmarks/gate_errors.py [--runs 200] [--jobs 1] [--out reports/gate]. Resumable.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lpfl.decide import Outcome
from lpfl.environment import environment
from lpfl.results.baseline import make_baseline, read_baseline, write_baseline
from lpfl.results.gate import GateReport, gate
from lpfl.results.narrow import narrowed_baseline
from lpfl.results.store import Results, write_atomically
from lpfl.trust.calibration import exact_interval
from lpfl.trust.environment import settings_of
from lpfl.trust.journal import Journal
from lpfl.trust.pool import answer_missing
from lpfl.verify.check import Check
from lpfl.verify.expect import Below, ChiSquare, Near, Ordered, Same, as_array
from lpfl.verify.planting import planted
from lpfl.verify.registry import CHECKS, all_faults
from lpfl.verify.running import confirm, runner
from lpfl.verify.running.environment import run_header
from lpfl.verify.running.runner import Plan, run_claim
from lpfl.verify.trial import Trial

# Cheap claims: identities, rates, bounds and laws in every A/A run, limits and orderings too in
# every fifth.
SUBSET = ("LR-05", "LR-14", "LR-36", "OP-07", "OP-31")
DEARER, EVERY = ("SI-08",), 5
FAULTY = (*SUBSET, *DEARER, "LR-08", "LR-10", "LR-11", "LR-45", "OP-32")
DRIFTING = (
    *SUBSET,
    *DEARER,
    "LR-08",
    "LR-11",
    "LR-45",
    "OP-32",
    "LR-01",
    "LR-12",
    "LR-18",
    "LR-26",
    "LR-30",
    "LR-32",
    "SI-15",
)
SHARES = (0.25, 0.5, 0.75)
SORTS = ("seeds", "streams", "faults", "drifts")
FIRST_SEED, OTHER_STREAMS = 2_000_000, 3_000_000

Record = dict[str, Any]


def reference(claim: str) -> Record:
    """Return the record of one claim on seed 0."""
    return {"record": run_claim(claim, Plan((claim,)))[-1]}


def judged(
    baseline: Mapping[str, Any], claims: Sequence[str], *, seed: int, drawn: int | None, fresh: int
) -> GateReport:
    """Return what the gate says about a run of ``claims``, with its second looks.

    drawn: seed of the scenarios where only the streams are fresh; the run then counts as one on
    that seed. fresh: seed of the streams of a second look.
    """
    plan = Plan(tuple(claims), seed=seed, drawn=drawn)
    records = {claim: run_claim(claim, plan)[-1] for claim in claims}
    header = run_header(plan) | {"seed": seed if drawn is None else drawn}
    results, old = Results(header, claims=records), narrowed_baseline(baseline, claims)
    return confirm.confirmed(gate(results, old), results, old, fresh=fresh)


def same_code(path: str, kind: str, number: int) -> Record:
    """Return how one A/A run ended: claims with a first loss, and those that failed the gate."""
    baseline = _read(path)
    claims = SUBSET if number % EVERY else (*SUBSET, *DEARER)
    if kind == "seeds":
        report = judged(baseline, claims, seed=FIRST_SEED + number, drawn=None, fresh=0)
    else:
        seeds = FIRST_SEED + number, OTHER_STREAMS + number
        report = judged(baseline, claims, seed=seeds[0], drawn=0, fresh=seeds[1])
    return {
        "first": [row.claim for row in report.rows if row.failed or row.status == "not confirmed"],
        "failed": {row.claim: f"{row.status}: {row.message}" for row in report.rows if row.failed},
        "exit_code": int(report.exit_code),
    }


def faulty_code(path: str, name: str) -> Record:
    """Return what the gate says about the claim of one planted fault."""
    fault = next(fault for fault in all_faults() if fault.name == name)
    with planted(fault):
        return _one(_read(path), fault.claim)


def drifted_code(path: str, claim: str, share: float) -> Record:
    """Return what the gate says if all that a check measures drifts by a share of its tolerance."""
    checks = MappingProxyType({**CHECKS, claim: drifting(CHECKS[claim], share)})
    for module in (runner, confirm):
        vars(module)["CHECKS"] = checks
    try:
        return _one(_read(path), claim)
    finally:
        for module in (runner, confirm):
            vars(module)["CHECKS"] = CHECKS


def drifting(check: Check, share: float) -> Check:
    """Return the check whose measurements lie ``share`` of their tolerance further out."""

    def measure(trial: Trial) -> Iterator[Any]:
        for item in check.measure(trial):
            yield _drifted(item, share)

    return replace(check, measure=measure)


def _drifted(item: Any, share: float) -> Any:
    if isinstance(item, Near):
        samples = as_array(item.samples)
        sign = 1.0 if samples.mean() >= item.predicted else -1.0
        return replace(item, samples=samples + sign * share * item.tolerance.value)
    if isinstance(item, Same):
        scale = item.predicted if item.scale is None or item.axes else item.scale
        moved = as_array(item.measured) + share * item.tolerance.value * as_array(scale)
        return replace(item, measured=moved)
    if isinstance(item, Below):
        measured, limit = as_array(item.measured), as_array(item.limit)
        return replace(item, measured=measured + share * (limit - measured))
    if isinstance(item, ChiSquare):
        return replace(item, totals=as_array(item.totals) * item.scale.matters**share)
    if isinstance(item, Ordered):
        better, worse = as_array(item.better), as_array(item.worse)
        return replace(item, better=better - share * (better - worse))
    return item


def _one(baseline: Mapping[str, Any], claim: str) -> Record:
    report = judged(baseline, (claim,), seed=0, drawn=None, fresh=OTHER_STREAMS)
    (row,) = report.rows
    return {"caught": row.failed, "status": row.status, "verdict": row.verdict,
            "margin": row.margin, "message": row.message}  # fmt: skip


def _read(path: str) -> dict[str, Any]:
    baseline = read_baseline(path)
    if baseline is None:
        raise ValueError(f"baseline={path} is missing, needs the file of this run")
    return baseline


def main() -> None:
    """Run what is missing, and write gate_errors.json."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--runs", type=int, default=200, help="A/A runs of each sort")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--out", default="reports/gate", help="folder")
    parser.add_argument("--only", nargs="*", default=SORTS, choices=SORTS, help="default: all")
    args = parser.parse_args()
    settings = settings_of("gate errors", subset=[*SUBSET, *DEARER])
    with Journal(args.out, "gate_errors", settings) as journal:
        path = str(Path(args.out) / "baseline.json")

        def answers(function: Any, tasks: Sequence[tuple[Any, ...]], fresh: bool) -> list[Record]:
            return answer_missing(
                function, journal, tasks, jobs=args.jobs, say=_progress, fresh=fresh
            )

        known = answers(reference, [(claim,) for claim in DRIFTING], False)
        plan = Plan(DRIFTING)
        kept = {claim: one["record"] for claim, one in zip(DRIFTING, known, strict=True)}
        write_baseline(path, make_baseline(Results(run_header(plan), claims=kept, complete=True)))
        found: Record = {**environment(), "claims": [*SUBSET, *DEARER]}
        for kind in SORTS[:2]:
            if kind in args.only:
                tasks = [(path, kind, number) for number in range(args.runs)]
                found[kind] = _alarms(answers(same_code, tasks, False))
        if "faults" in args.only:
            faults = [(path, fault.name) for fault in all_faults() if fault.claim in FAULTY]
            found["faults"] = _caught(answers(faulty_code, faults, True))
        for share in SHARES if "drifts" in args.only else ():
            moved = answers(drifted_code, [(path, claim, share) for claim in DRIFTING], False)
            held = [one for one in moved if one.get("verdict") == Outcome.CONFIRMED.value]
            found[f"drift {share:g}"] = _caught(moved) | {"still confirmed": _caught(held)}
        text = json.dumps(found, indent=1) + "\n"
        write_atomically(Path(args.out) / "gate_errors.json", text)
        print(text, end="")


def _alarms(records: Sequence[Mapping[str, Any]]) -> Record:
    runs = [one for one in records if "lost" not in one]
    failed = [one for one in runs if one["exit_code"]]
    return {
        "runs": len(runs),
        "first_losses": sum(bool(one["first"]) for one in runs),
        "false_alarms": len(failed),
        "interval": exact_interval(len(failed), len(runs)),
        "which": [one["failed"] for one in failed],
    }


def _caught(records: Sequence[Mapping[str, Any]]) -> Record:
    """Count what was caught by a verdict or a margin; an exception catches nothing."""
    records = [one for one in records if one.get("status") != "error"]
    missed = [one["task"][1:] for one in records if not one.get("caught")]
    return {"planted": len(records), "caught": len(records) - len(missed), "missed": missed}


def _progress(record: Mapping[str, Any], number: int, total: int) -> None:
    said = {key: value for key, value in record.items() if key not in ("task", "record")}
    print(f"[{number}/{total}] {record['task'][-2:]} {said}"[:200], flush=True)


if __name__ == "__main__":
    main()
