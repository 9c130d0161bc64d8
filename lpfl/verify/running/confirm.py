"""A regression is looked at once more before the gate fails.

A margin with noise is measured again on a seed that neither run used; one without noise on the
seed of the baseline, whose scenarios it was compared with. The regression stands only if the second
run shows it too, so a false alarm needs both: its probability is at most that of the first
comparison, which the family-wise level bounds. Refutations are never tried again.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lpfl.results.gate import GateReport, GateRow, exit_code, gate
from lpfl.results.narrow import narrowed_baseline
from lpfl.results.store import Results
from lpfl.verify.registry import CHECKS
from lpfl.verify.running.runner import Plan, run_claim


def confirmed(report: GateReport, results: Results, baseline: Mapping[str, Any]) -> GateReport:
    """Return the report in which every regression was seen twice; the others become remarks."""
    rows = tuple(
        _again(row, report, results, baseline) if row.status == "regression" else row
        for row in report.rows
    )
    return replace(report, rows=rows, exit_code=exit_code(rows, report.stale, report.strict))


def _again(
    row: GateRow, report: GateReport, results: Results, baseline: Mapping[str, Any]
) -> GateRow:
    if row.claim not in CHECKS:
        return row
    header = results.header
    seed = _seed(results, baseline, row.claim)
    plan = Plan((row.claim,), header["profile"], seed, header["device"], header["dtype"])
    claim = run_claim(row.claim, plan)[-1]
    second = Results({**header, "seed": seed, "claims": [row.claim]}, claims={row.claim: claim})
    old = narrowed_baseline(baseline, [row.claim])
    (seen,) = gate(second, old, effect=report.effect, z_limit=report.z_limit).rows
    if seen.failed:
        return replace(row, message=f"{row.message}; seen again on seed {seed}")
    said = f"{row.message}, which seed {seed} does not show: taken for chance"
    return replace(row, status="not confirmed", message=said)


def _seed(results: Results, baseline: Mapping[str, Any], name: str) -> int:
    """Return the seed of the second look: fresh where there is noise, else the baseline's."""
    noisy = results.claims[name]["margin_std_error"] or baseline["claims"][name]["margin_std_error"]
    used: tuple[int, int] = (results.header["seed"], baseline["seed"])
    return max(*used, 0) + 1 if noisy or used[0] == used[1] else used[1]
