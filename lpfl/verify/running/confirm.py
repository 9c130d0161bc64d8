"""A regression is looked at once more before the gate fails, on the scenarios of the baseline.

If the run drew other scenarios, the second look is a run on the baseline's seed: like is then
compared with like. If it drew the same, a loss without noise is certain and stands. A loss with
noise is measured again: same scenarios, random streams that neither run used. A false alarm needs
both looks, so its probability is at most that of one comparison, which the family-wise level
bounds. Refutations are never tried again.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lpfl.results.gate import GateReport, GateRow, exit_code, gate
from lpfl.results.narrow import narrowed_baseline
from lpfl.results.store import Results
from lpfl.verify.registry import CHECKS
from lpfl.verify.running.runner import Plan, run_claim


def confirmed(
    report: GateReport, results: Results, baseline: Mapping[str, Any], *, fresh: int | None = None
) -> GateReport:
    """Return the report in which every regression was seen twice; the others become remarks.

    fresh: seed of the streams of a second look at noise (default: above both seeds in use).
    """
    rows = tuple(
        _again(row, report, results, baseline, fresh) if row.status == "regression" else row
        for row in report.rows
    )
    return replace(report, rows=rows, exit_code=exit_code(rows, report.stale, report.strict))


def _again(
    row: GateRow,
    report: GateReport,
    results: Results,
    baseline: Mapping[str, Any],
    fresh: int | None,
) -> GateRow:
    header = results.header
    like_for_like = header["seed"] == baseline["seed"]
    if row.claim not in CHECKS:
        return row
    if like_for_like and row.certain:
        return replace(row, message=f"{row.message}; on the same scenarios and without noise")
    seed = baseline["seed"]
    if like_for_like:
        seed = header["seed"] + 1 if fresh is None else fresh
    words = (header["profile"], seed, header["device"], header["dtype"])
    claim = run_claim(row.claim, Plan((row.claim,), *words, drawn=baseline["seed"]))[-1]
    second = Results({**header, "seed": seed, "claims": [row.claim]}, claims={row.claim: claim})
    old = narrowed_baseline(baseline, [row.claim])
    (seen,) = gate(second, old, effect=report.effect, z_limit=report.z_limit).rows
    if seen.failed:
        return replace(row, message=f"{row.message}; seen again on seed {seed}")
    said = f"{row.message}, which seed {seed} does not show: taken for chance"
    return replace(row, status="not confirmed", message=said)
