"""True statements checked again with fresh seeds: how often they are refuted, or left open."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Record = dict[str, Any]
FIRST_SEED = 1_000_000  # far from the seeds that people type
CONFIDENCE = 0.95


def calibration_tasks(claims: Sequence[str], *, runs: int, scenarios: int) -> list[tuple[Any, ...]]:
    """Return one task per claim and seed; seeds go round by round, so that a part is balanced."""
    return [(claim, FIRST_SEED + run, scenarios) for run in range(runs) for claim in claims]


def calibrate_once(claim_id: str, seed: int, scenarios: int) -> Record:
    """Run one claim on freshly drawn scenarios and streams; return what was decided.

    p_values: per decision with an exact law, uniform if the statement is true. margins: the
    smallest of each part.
    """
    import torch

    from lpfl.verify.check import worst
    from lpfl.verify.registry import CHECKS
    from lpfl.verify.running.looks import SECOND, look
    from lpfl.verify.running.runner import make_trial

    torch.set_num_threads(1)
    check = CHECKS[claim_id]
    outcomes: dict[str, int] = {}
    p_values: dict[str, list[float]] = {}
    margins: dict[str, float] = {}
    again, open_parts = 0, []
    for scenario in check.space.sobol(scenarios, seed):
        findings = look(check, make_trial(claim_id, scenario, seed=seed))
        decisive = worst(findings)
        outcome = decisive.verdict.outcome.value
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        again += any(SECOND in finding.verdict.detail for finding in findings)
        if outcome != "confirmed":
            open_parts.append([decisive.name, scenario.canonical(), outcome])
        for finding in findings:
            verdict = finding.verdict
            margins[finding.part] = min(margins.get(finding.part, 1.0), verdict.margin)
            if verdict.alpha > 0.0 and finding.exact:
                p_values.setdefault(finding.name, []).append(verdict.alpha**verdict.statistic)
    return {
        "outcomes": outcomes,
        "second_looks": again,
        "open": open_parts,
        "p_values": p_values,
        "margins": margins,
    }


def summary(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the page shows: counts, exact intervals, and the law of the p-values.

    A claim-run is refuted if one of its scenarios is, and open if none is refuted and one is open.
    uniform: the smallest p-value of Kolmogorov-Smirnov tests of uniformity, one per kind of
    decision (its p-values come from different seeds, hence are independent), times their number.
    """
    from scipy import stats

    kept = [record for record in records if "lost" not in record]
    verdicts = {"refuted": 0, "inconclusive": 0, "confirmed": 0}
    claims: dict[str, dict[str, int]] = {}
    p_values: dict[tuple[str, str], list[float]] = {}
    scenarios = again = 0
    for record in kept:
        claim = claims.setdefault(record["task"][0], dict.fromkeys(verdicts, 0))
        seen = record["outcomes"]
        verdict = next(name for name in verdicts if seen.get(name) or name == "confirmed")
        verdicts[verdict] += 1
        claim[verdict] += 1
        scenarios += sum(seen.values())
        again += record["second_looks"]
        for name, values in record["p_values"].items():
            p_values.setdefault((record["task"][0], name), []).extend(values)
    runs = len(kept)
    tests = [float(stats.kstest(one, "uniform").pvalue) for one in p_values.values()]
    pooled = [value for values in p_values.values() for value in values]
    return {
        "claim_runs": runs,
        "scenarios": scenarios,
        "second_looks": again,
        **verdicts,
        "refuted_interval": exact_interval(verdicts["refuted"], runs),
        "inconclusive_interval": exact_interval(verdicts["inconclusive"], runs),
        "exact_laws": len(tests),
        "p_values": len(pooled),
        "uniform": min(1.0, min(tests) * len(tests)) if tests else None,
        "smallest_p_value": min(pooled, default=None),
        "claims": claims,
    }


def exact_interval(events: int, trials: int) -> list[float]:
    """Return the Clopper-Pearson interval of a rate at 95 %; [0, 1] without trials."""
    from scipy import stats

    if trials == 0:
        return [0.0, 1.0]
    tail = (1.0 - CONFIDENCE) / 2.0
    low = float(stats.beta.ppf(tail, events, trials - events + 1)) if events else 0.0
    high = float(stats.beta.isf(tail, events + 1, trials - events)) if events < trials else 1.0
    return [0.0 if math.isnan(low) else low, high]
