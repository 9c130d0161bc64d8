"""Optimizer checks as pytest items: parametrized tests, and collection without a test file."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from lpfl.conformance.entries import named
from lpfl.conformance.oracles import divided
from lpfl.conformance.outcomes import Outcome
from lpfl.conformance.registry import select
from lpfl.conformance.report import Report
from lpfl.conformance.spec import OptimizerSpec, resolve
from lpfl.harmless import flat, harmless_lines

SKIPS = (Outcome.UNDRIVABLE, Outcome.NOT_CLAIMED, Outcome.UNKNOWN, Outcome.INCONCLUSIVE)


class _Judged:
    """One optimizer; judged by all its checks when the first of them is asked for."""

    def __init__(self, spec: OptimizerSpec, *, quick: bool, seed: int, device: str) -> None:
        self.spec, self.quick, self.seed, self.device = spec, quick, seed, device
        self._reports: dict[str, Report] = {}

    def report(self, check_id: str) -> Report:
        """Return the report of one check, run in a process of its own."""
        from lpfl.conformance.run import check_optimizer

        if check_id not in self._reports:
            self._reports[check_id] = check_optimizer(
                self.spec,
                on_fail=None,
                checks=[check_id],
                quick=self.quick,
                seed=self.seed,
                device=self.device,
            )
        return self._reports[check_id]

    def test(self, check_id: str) -> None:
        """Pass, skip or fail as the answers of a check say."""
        __tracebackhide__ = True
        report = self.report(check_id)
        results, failed = report.results, report.failed
        if failed:
            pytest.fail(_told(replace(report, results=failed)), pytrace=False)
        expected = [r for r in results if r.expected and not r.stale]
        if expected:
            pytest.xfail(flat(f"{expected[0].expected}: {expected[0].message}"))
        if all(r.outcome in SKIPS for r in results):
            said = "; ".join(f"{r.outcome}: {r.message}" for r in results)
            pytest.skip(flat(said) or "not claimed")


def _told(report: Report) -> str:
    """Return the report with the gravest answer as first line: pytest's summary shows that one."""
    first = report.findings[0]
    said = "expected failure is gone" if first.stale else str(first.outcome)
    return f"{said}: {harmless_lines(first.message)}\n\n{report.text()}"


def parametrize_optimizer_checks(
    optimizers: Sequence[Any],
    *,
    checks: Sequence[str] | None = None,
    quick: bool = False,
    seed: int = 0,
    device: str = "cpu",
) -> Callable[[Any], Any]:
    """Return a decorator that runs a test function once per optimizer and check.

    ::

        @parametrize_optimizer_checks([MyOptimizer, OptimizerSpec("mine", make, claims={"muon"})])
        def test_optimizer(check):
            check()

    optimizers: specs, classes, factories or addresses. The test gets ``check``: calling it fails
    the test with the report of that check, skips it where the check says nothing, and marks a
    finding of ``expected_failures`` as an expected failure.
    """
    cases = []
    for subject in optimizers:
        spec = resolve(subject)
        judged = _Judged(spec, quick=quick, seed=seed, device=device)
        for check in select(checks, quick=quick):
            if check.concerns(divided(spec.claims)[0]):
                asked = _Case(judged, check.check_id)
                cases.append(pytest.param(asked, id=f"{spec.name}-{check.check_id}"))
    return pytest.mark.parametrize("check", cases)


class _Case:
    """One check of one optimizer, to be called by a test."""

    def __init__(self, judged: _Judged, check_id: str) -> None:
        self.judged, self.check_id = judged, check_id

    def __call__(self) -> None:
        """Pass, skip or fail."""
        __tracebackhide__ = True
        self.judged.test(self.check_id)


class OptimizerItem(pytest.Item):
    """One check of one optimizer, collected without a test file."""

    def __init__(self, *, judged: _Judged, check_id: str, **more: Any) -> None:
        super().__init__(**more)
        self.judged, self.check_id = judged, check_id

    def runtest(self) -> None:
        """Pass, skip or fail."""
        self.judged.test(self.check_id)

    def reportinfo(self) -> tuple[Any, None, str]:
        """Return where the item is shown."""
        return self.path, None, self.name

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """Return the report of the check, without a traceback of ours."""
        if isinstance(excinfo.value, pytest.fail.Exception):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


class OptimizerCollector(pytest.Collector):
    """All checks of one optimizer."""

    def __init__(self, *, spec: OptimizerSpec, **more: Any) -> None:
        super().__init__(**more)
        self.spec = spec

    def collect(self) -> Iterator[OptimizerItem]:
        """Yield one item per check."""
        config, spec = self.config, self.spec
        quick = bool(config.getoption("--lpfl-optimizer-quick"))
        judged = _Judged(
            spec,
            quick=quick,
            seed=config.getoption("--lpfl-seed"),
            device=config.getoption("--lpfl-device"),
        )
        for check in select(None, quick=quick):
            if check.concerns(divided(spec.claims)[0]):
                yield OptimizerItem.from_parent(
                    self, name=check.check_id, judged=judged, check_id=check.check_id
                )


def addresses(config: pytest.Config) -> list[str]:
    """Return the optimizers named on the command line, and in the ini file.

    Those of the ini file stay out of a run that names single test files.
    """
    given = list(config.getoption("--lpfl-optimizer") or [])
    if not any("::" in arg or arg.endswith(".py") for arg in config.args):
        given += config.getini("lpfl_optimizers")
    return list(dict.fromkeys(given))


def found_optimizers(config: pytest.Config) -> dict[str, OptimizerSpec]:
    """Return the spec of every address that is asked for; modules lie in the root folder too.

    Raises: ValueError for an address that cannot be imported.
    """
    root = str(config.rootpath)
    if root not in sys.path:
        sys.path.insert(0, root)
    return {address: named(address) for address in addresses(config)}


def collect_optimizers(session: pytest.Session) -> list[pytest.Item]:
    """Return the items of every optimizer asked for; raises as :func:`found_optimizers`."""
    items: list[pytest.Item] = []
    for address, spec in found_optimizers(session.config).items():
        collector = OptimizerCollector.from_parent(
            session, name=f"lpfl[{address}]", nodeid=f"lpfl[{address}]", spec=spec
        )
        items += list(collector.collect())
    return items
