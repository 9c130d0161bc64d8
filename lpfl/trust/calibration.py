"""True statements checked again with fresh seeds: how often they are refuted, or left open."""

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lpfl.decide import Verdict

Record = dict[str, Any]
FIRST_SEED = 1_000_000  # far from the seeds that people type
CONFIDENCE = 0.95
LEVELS = (0.01, 0.05, 0.1, 0.5)


def calibration_tasks(
    claims: Sequence[str], *, runs: int, scenarios: int, most: Mapping[str, int] | None = None
) -> list[tuple[Any, ...]]:
    """Return one task per claim and seed; seeds go round by round, so that a part is balanced.

    most: the runs of some claims, where fewer are wanted.
    """
    allowed = most or {}
    return [
        (claim, FIRST_SEED + run, scenarios)
        for run in range(runs)
        for claim in claims
        if run < allowed.get(claim, runs)
    ]


def runs_within(seconds: Mapping[str, float], budget: float, runs: int) -> dict[str, int]:
    """Return how many runs each claim gets so that all take ``budget`` seconds together.

    seconds: what one run of a claim takes. Cheap claims get ``runs``; the others get an equal
    share of the time that is left, at least one run each.
    """
    left, given = budget, {}
    for place, (claim, cost) in enumerate(sorted(seconds.items(), key=lambda item: item[1])):
        share = left / (len(seconds) - place)
        given[claim] = max(1, min(runs, int(share / max(cost, 1e-9))))
        left = max(0.0, left - given[claim] * cost)
    return given


def calibrate_once(claim_id: str, seed: int, scenarios: int) -> Record:
    """Run one claim on freshly drawn scenarios and streams; return what was decided.

    p_values: per decision with an exact law, uniform if the statement is true. margins: the
    smallest of each part. intervals: per decision that a mean equals its prediction, the distance
    between them and the tolerance, in standard errors, and the replicates.
    """
    import torch

    from lpfl.verify.check import worst
    from lpfl.verify.registry import CHECKS
    from lpfl.verify.running.looks import SECOND, look
    from lpfl.verify.running.runner import make_trial

    torch.set_num_threads(1)
    started = time.process_time()
    check = CHECKS[claim_id]
    outcomes: dict[str, int] = {}
    p_values: dict[str, list[float]] = {}
    margins: dict[str, float] = {}
    intervals: list[list[float]] = []
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
            elif verdict.alpha > 0.0:
                intervals += _interval(verdict)
    return {
        "outcomes": outcomes,
        "second_looks": again,
        "open": open_parts,
        "p_values": p_values,
        "margins": margins,
        "intervals": intervals,
        "seconds": round(time.process_time() - started, 3),
    }


def _interval(verdict: "Verdict") -> list[list[float]]:
    """Return [distance, tolerance, replicates] of a decision about a mean, in standard errors.

    Orderings have the prediction 0 and are left out.
    """
    if not (verdict.predicted and verdict.tolerance and verdict.margin_std_error):
        return []
    if verdict.measured is None:
        return []
    apart = abs(verdict.measured - verdict.predicted) / verdict.tolerance
    scale = 1.0 / verdict.margin_std_error
    return [[round(apart * scale, 4), round(scale, 4), verdict.replicates]]


def summary(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the page shows: counts, exact intervals, and the law of the p-values.

    A claim-run is refuted if one of its scenarios is, and open if none is refuted and one is open.
    levels: how many p-values lie at or below a nominal level. intervals: of the intervals of 95 %
    around a measured mean, how many reach the prediction with its tolerance (what the statement
    says), and how many hold the prediction itself.
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
    least: dict[str, float] = {}
    for record in kept:
        claim_id = record["task"][0]
        least[claim_id] = min([least.get(claim_id, 1.0), *record["margins"].values()])
    found = [one for record in kept for one in record.get("intervals", ())]
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
        "levels": [_level(nominal, pooled) for nominal in LEVELS],
        "intervals": coverage(found),
        "sorted_p_values": [float(f"{value:.4g}") for value in sorted(pooled)],
        "smallest_margins": {claim: round(value, 4) for claim, value in sorted(least.items())},
        "claims": claims,
    }


def _level(nominal: float, p_values: Sequence[float]) -> Record:
    observed = sum(value <= nominal for value in p_values)
    interval = exact_interval(observed, len(p_values))
    return {"nominal": nominal, "observed": observed, "of": len(p_values), "interval": interval}


def coverage(found: Sequence[Sequence[float]]) -> Record:
    """Return how many intervals of 95 % reach the statement, and how many the prediction."""
    from scipy import stats

    reach = [float(stats.t.isf((1.0 - CONFIDENCE) / 2.0, count - 1)) for *_, count in found]
    pairs = list(zip(found, reach, strict=True))
    reached = sum(apart - tolerance <= wide for (apart, tolerance, _), wide in pairs)
    held = sum(apart <= wide for (apart, *_), wide in pairs)
    return {
        "nominal": CONFIDENCE,
        "count": len(found),
        "reach_the_statement": reached,
        "reach_interval": exact_interval(reached, len(found)),
        "hold_the_prediction": held,
        "hold_interval": exact_interval(held, len(found)),
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
