"""All checks on one optimizer."""

from collections.abc import Mapping, Sequence
from typing import Any

from lpfl.conformance.registry import all_checks, select
from lpfl.conformance.report import ConformanceError, Report
from lpfl.conformance.spec import resolve


def check_optimizer(
    subject: Any,
    *,
    on_fail: str | None = "raise",
    checks: Sequence[str] | None = None,
    device: str = "cpu",
    seed: int = 0,
    quick: bool = False,
    isolated: bool = True,
    options: Mapping[str, Any] | None = None,
) -> Report:
    """Judge an optimizer and return the report.

    subject: an ``OptimizerSpec``, an optimizer class, a factory or an address "module:NAME".
    on_fail: "raise" raises ``ConformanceError`` if a check fails, "warn" warns, None does
    neither. checks: ids, patterns or tags; default all. quick: the cheap checks only. isolated:
    the optimizer runs in a process of its own with limits on time and memory. options: given to
    the factory each time.
    Raises: ValueError for bad input; ConformanceError.
    """
    if on_fail not in ("raise", "warn", None):
        raise ValueError(f"on_fail={on_fail!r}, needs 'raise', 'warn' or None")
    spec = resolve(subject, options=options)
    chosen = select(checks, quick=quick)
    unknown = sorted(spec.expected_failures.keys() - all_checks().keys())
    if unknown:
        raise ValueError(f"expected_failures={unknown}, known are {sorted(all_checks())}")
    from lpfl.conformance.running import run_check, stale
    from lpfl.conformance.subject import Subject

    judged = Subject(spec, seed=seed, device=device, quick=quick)
    results = [result for check in chosen for result in run_check(check, judged)]
    results += stale(spec, results)
    report = Report(spec=spec, results=results, guessed=dict(judged.guessed))
    if report.failed and on_fail == "raise":
        raise ConformanceError(report)
    return report
