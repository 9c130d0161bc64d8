"""All checks on one optimizer."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import Check, select
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
    from lpfl.conformance.subject import Subject

    judged = Subject(spec, seed=seed, device=device, quick=quick)
    results = [result for check in chosen for result in run_check(check, judged)]
    report = Report(spec=spec, results=results, guessed=dict(judged.guessed))
    if report.failed and on_fail == "raise":
        raise ConformanceError(report)
    return report


def run_check(check: Check, subject: Any) -> list[CheckResult]:
    """Return the answers of one check; an exception of the check is an answer too."""
    from lpfl.conformance.subject import Undrivable

    start = time.perf_counter()
    if not check.concerns(subject.spec.claims):
        return []
    try:
        answer = check.function(subject)
        results = [answer] if isinstance(answer, CheckResult) else _listed(answer)
    except Undrivable as reason:
        outcome, message = Outcome.UNDRIVABLE, str(reason)
        results = [CheckResult(check=check.check_id, outcome=outcome, message=message)]
    return _timed(results, time.perf_counter() - start)


def _listed(answer: Iterable[CheckResult]) -> list[CheckResult]:
    return list(answer)


def _timed(results: list[CheckResult], seconds: float) -> list[CheckResult]:
    from dataclasses import replace

    return [replace(r, seconds=seconds / len(results)) for r in results]
