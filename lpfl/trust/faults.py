"""The fault catalogue applied: which planted mistakes a run would have caught, and how soon."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Record = dict[str, Any]


def fault_tasks(
    claims: Sequence[str], *, scenarios: int, everywhere: bool
) -> list[tuple[Any, ...]]:
    """Return one task per fault that one of ``claims`` must see.

    everywhere: try all claims on each fault, not only that one.
    """
    from lpfl.verify.registry import all_faults

    return [(fault.name, scenarios, everywhere) for fault in all_faults() if fault.claim in claims]


def try_fault(name: str, scenarios: int, everywhere: bool) -> Record:
    """Plant one fault in this process; return which claims refute it, and on which scenario.

    scenarios: how many are drawn for a claim, beyond its anchors. A claim that ends in an error
    has not detected the fault: an exception is no verdict.
    """
    from lpfl.verify.planting import planted
    from lpfl.verify.registry import CHECKS, all_faults

    started = time.process_time()
    fault = next(fault for fault in all_faults() if fault.name == name)
    asked = list(CHECKS) if everywhere else [fault.claim]
    seen: dict[str, int] = {}
    errors: dict[str, str] = {}
    with planted(fault):
        for claim_id in asked:
            try:
                first = scenarios_until_refuted(claim_id, scenarios)
            except Exception as error:
                errors[claim_id] = f"{type(error).__name__}: {error}"[:200]
                continue
            if first is not None:
                seen[claim_id] = first
    return {
        "id": fault.name,
        "target": fault.target,
        "why": fault.why,
        "detected": bool(seen),
        "claims": sorted(seen),
        "scenarios": seen.get(fault.claim),
        "errors": errors,
        "seconds": round(time.process_time() - started, 2),
    }


def scenarios_until_refuted(claim_id: str, scenarios: int) -> int | None:
    """Return the number of the scenario that refutes the claim, anchors first; None if none."""
    from lpfl.decide import Outcome
    from lpfl.verify.registry import CHECKS
    from lpfl.verify.running.looks import look
    from lpfl.verify.running.runner import make_trial

    check = CHECKS[claim_id]
    for number, scenario in enumerate((*check.space.anchors, *check.space.sobol(scenarios, 0)), 1):
        findings = look(check, make_trial(claim_id, scenario, seed=0))
        if any(finding.verdict.outcome is Outcome.REFUTED for finding in findings):
            return number
    return None


def by_place(records: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int, int]]:
    """Yield per module of the project how many faults it holds and how many were detected."""
    places: dict[str, list[bool]] = {}
    for record in records:
        places.setdefault(record["target"].split(":")[0], []).append(record["detected"])
    for place in sorted(places):
        yield place, len(places[place]), sum(places[place])


def summary(records: Sequence[Mapping[str, Any]]) -> Record:
    """Return how many faults were planted and detected: in all, per module, and how soon.

    first_scenario: number of faults by the scenario that refuted them, anchors counted first.
    """
    soon: dict[str, int] = {}
    for record in records:
        if record["scenarios"] is not None:
            soon[str(record["scenarios"])] = soon.get(str(record["scenarios"]), 0) + 1
    return {
        "faults": len(records),
        "detected": sum(bool(record["detected"]) for record in records),
        "first_scenario": dict(sorted(soon.items(), key=lambda pair: int(pair[0]))),
        "modules": {place: [planted, seen] for place, planted, seen in by_place(records)},
        "not_detected": sorted(r["id"] for r in records if not r["detected"]),
    }
