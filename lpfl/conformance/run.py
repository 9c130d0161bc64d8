"""All checks on one optimizer."""

import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from lpfl.choices import require_device, require_seed
from lpfl.conformance.isolation import Limits, judge_apart, judge_here
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import all_checks, select
from lpfl.conformance.report import ConformanceError, Report
from lpfl.conformance.spec import OptimizerSpec, resolve
from lpfl.guards import truth


def check_optimizer(
    subject: Any,
    *,
    on_fail: str | None = "raise",
    checks: Sequence[str] | None = None,
    device: str = "cpu",
    seed: int = 0,
    quick: bool = False,
    isolated: bool = True,
    limits: Limits | None = None,
    options: Mapping[str, Any] | None = None,
) -> Report:
    """Judge an optimizer and return the report.

    subject: an ``OptimizerSpec``, an optimizer class, a factory or an address "module:NAME".
    on_fail: "raise" raises ``ConformanceError`` if a check fails, "warn" warns, None does
    neither. checks: ids, patterns or tags; default all. quick: the cheap checks only. isolated:
    the optimizer runs in a process of its own, within ``limits`` of time and memory, unless CUDA
    is in use here already (the report's environment says what was done). options: given to the
    factory each time.
    Raises: ValueError for bad input, a device that torch cannot use included; ConformanceError.
    """
    if on_fail not in ("raise", "warn", None):
        raise ValueError(f"on_fail={on_fail!r}, needs 'raise', 'warn' or None")
    require_seed(seed)
    require_device(device)
    truth("quick", quick)
    truth("isolated", isolated)
    spec = resolve(subject, options=options)
    chosen = select(checks, quick=quick)
    unknown = sorted(spec.expected_failures.keys() - all_checks().keys())
    if unknown:
        raise ValueError(f"expected_failures={unknown}, known are {sorted(all_checks())}")
    arguments: dict[str, Any] = {"seed": seed, "device": device, "quick": quick}
    isolated = isolated and _can_fork()
    if isolated:
        judged = judge_apart(spec, chosen, limits=limits or Limits(), **arguments)
    else:
        judged = judge_here(spec, chosen, **arguments)
    report = Report(
        spec=spec,
        results=_in_order(judged.results, [c.check_id for c in chosen])
        + stale(spec, judged.results),
        guessed=judged.guessed,
        environment=_environment(spec, {**arguments, "isolated": isolated}),
    )
    if report.failed and on_fail == "raise":
        raise ConformanceError(report)
    if report.failed and on_fail == "warn":
        warnings.warn(f"{spec.name} fails: {_ids(report)}", stacklevel=2)
    return report


def _ids(report: Report) -> str:
    return ", ".join(dict.fromkeys(result.check for result in report.failed))


def stale(spec: OptimizerSpec, results: list[CheckResult]) -> list[CheckResult]:
    """Return one answer for each expected failure whose check ran and found nothing."""
    asked = {r.check for r in results if r.outcome is not Outcome.UNDRIVABLE}
    kept = {r.check for r in results if r.expected}
    return [
        CheckResult(
            check=check_id,
            outcome=Outcome.CONFORMS,
            message=f"The expected failure ({reason}) did not appear.",
            expected=reason,
            stale=True,
        )
        for check_id, reason in spec.expected_failures.items()
        if check_id in asked - kept
    ]


def _in_order(results: list[CheckResult], order: list[str]) -> list[CheckResult]:
    return sorted(results, key=lambda result: order.index(result.check))


def _can_fork() -> bool:
    """Whether a forked process can use torch: not once CUDA runs in this one.

    On the CPU neither: backward() raises there, and so does each question about the GPU.
    """
    import torch

    return hasattr(os, "fork") and not torch.cuda.is_initialized()


def _environment(spec: OptimizerSpec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    import torch

    from lpfl import __version__

    package = spec.source.partition(":")[0].partition(".")[0]
    return {
        "lpfl": __version__,
        "torch": torch.__version__,
        "package": package,
        "version": str(getattr(sys.modules.get(package), "__version__", "")),
        **arguments,
    }
