"""The pytest plugin: options, the marker, and a results file and page from a test run.

Loaded in every project where lpfl is installed, so it imports neither torch nor hypothesis.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

USUAL = {"profile": None, "seed": 0, "device": "cpu", "dtype": "float64"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the --lpfl options."""
    group = parser.getgroup("lpfl", "theory checks")
    group.addoption("--lpfl-device", default="cpu", help="device of theory checks: cpu or cuda")
    group.addoption("--lpfl-dtype", default="float64", help="float64 or float32")
    group.addoption(
        "--lpfl-profile",
        help="scenarios per statement as in this profile of lpfl verify: quick, ci, paper, nightly "
        "(default: as many as the Hypothesis profile draws)",
    )
    group.addoption("--lpfl-seed", type=int, default=0, help="suite seed of theory checks")
    group.addoption(
        "--lpfl-claims",
        metavar="PATTERN",
        help="collect a test for each claim that matches, without a test file: ids or patterns "
        "such as 'LR-*', comma-separated",
    )
    group.addoption(
        "--lpfl-optimizer",
        action="append",
        metavar="MODULE:NAME",
        help="judge this optimizer class, factory or OptimizerSpec, one test a check, without a "
        "test file; can be repeated",
    )
    group.addoption(
        "--lpfl-optimizer-quick", action="store_true", help="the cheap checks of optimizers only"
    )
    parser.addini("lpfl_optimizers", type="linelist", help="as --lpfl-optimizer, one a line")
    group.addoption(
        "--lpfl-report",
        metavar="PATH",
        help="write the page of this run's theory checks, and PATH.jsonl with the results",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and the collector of records where the run is controlled."""
    config.addinivalue_line("markers", "theory: confronts a statement with runs")
    if hasattr(config, "workerinput"):
        return
    require_options(config)
    require_findable(config)
    if config.getoption("--lpfl-report") is not None:
        config.pluginmanager.register(RecordCollector(config), "lpfl-records")


def require_options(config: pytest.Config) -> None:
    """Raise pytest.UsageError for an option that no run could use, before anything is collected.

    A project that sets none of them pays nothing.
    """
    words = {name: config.getoption(f"--lpfl-{name}") for name in USUAL}
    report = config.getoption("--lpfl-report")
    if words == USUAL and report is None:
        return
    from lpfl.verify.options import require_words

    try:
        require_words(**{**words, "profile": words["profile"] or "quick"})
        if words["profile"] == "":
            raise ValueError("profile='', needs one of quick, ci, paper, nightly")
        if report is not None:
            require_page(report)
        if words["device"] != "cpu":
            from lpfl.choices import require_device

            require_device(words["device"])
    except ValueError as error:
        raise usage_error(f"--lpfl-{error}") from None


def require_page(report: str) -> None:
    """Raise ValueError if page and results cannot be written, or another file would move aside."""
    from lpfl.results.output_path import output_path

    page = output_path("report", report)
    if not page.parent.is_dir():
        raise ValueError(f"report={report!r}, needs a folder that exists")
    if page.is_file() and not page.read_bytes()[:15].lower().startswith(b"<!doctype html"):
        raise ValueError(f"report={report!r} is there and no page, needs another name")
    results = page.with_suffix(page.suffix + ".jsonl")
    if not results.is_file():
        output_path("report", str(results))


def require_findable(config: pytest.Config) -> None:
    """Refuse optimizers and claims that do not exist before workers of pytest-xdist start.

    In the workers, where the tests are collected, an error of use ends as one of theirs.
    """
    if config.getoption("dist", "no") != "no":
        each_asked(
            config,
            lambda: _optimizers().found_optimizers(config),
            lambda pattern: _claims().found_claims(pattern),
        )


def each_asked(
    config: pytest.Config, optimizers: Callable[[], Any], claims: Callable[[str], Any]
) -> list[Any]:
    """Return what the functions say of the optimizers and the claims that are asked for.

    Raises: pytest.UsageError for their ValueError, and if the project has a ``theory`` of its own,
    or fails by another file that takes the name of a package that lpfl needs.
    """
    pattern = config.getoption("--lpfl-claims")
    named = config.getoption("--lpfl-optimizer") or config.getini("lpfl_optimizers")
    if named or pattern is not None:
        require_own_theory()
    try:
        answers = [optimizers()] if named else []
        return answers + ([claims(pattern)] if pattern is not None else [])
    except ValueError as error:
        raise usage_error(str(error)) from None
    except Exception as error:
        from lpfl.shadows import shadows

        for problem in shadows(error):
            raise usage_error(problem) from None
        raise


def _optimizers() -> Any:
    from lpfl.conformance import pytest_items

    return pytest_items


def _claims() -> Any:
    from lpfl.verify.running import pytest_claims

    return pytest_claims


def usage_error(text: str) -> pytest.UsageError:
    """Return the error of a wrong use, on one line in which nothing is an order to a log."""
    from lpfl.harmless import flat

    return pytest.UsageError(f"lpfl: {flat(text)}")


def require_own_theory() -> None:
    """Raise pytest.UsageError if the project has a package ``theory`` that shadows ours."""
    from lpfl.shadows import foreign_theory

    for problem in foreign_theory():
        raise usage_error(problem)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how claims become tests where ``-m theory`` finds none."""
    if "theory" not in (config.getoption("markexpr", "") or ""):
        return
    ran = sum(len(terminalreporter.stats.get(word, ())) for word in ("passed", "failed", "skipped"))
    if ran == 0 and not config.getoption("--lpfl-claims"):
        terminalreporter.write_line(
            "lpfl: this project has no test marked theory; --lpfl-claims '*' collects the claims"
        )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the claims, and the checks of the optimizers, that are asked for."""
    for more in each_asked(
        config,
        lambda: _optimizers().collect_optimizers(session),
        lambda pattern: _claims().collect_claims(session, pattern),
    ):
        items += more


class RecordCollector:
    """Gathers records that tests attach with ``record_property``; works under xdist."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._claims: dict[str, list[dict[str, Any]]] = {}
        self.said = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the records of a finished test."""
        from lpfl.verify.options import RECORDS_PROPERTY

        if report.when != "call":
            return
        for name, value in report.user_properties:
            if name == RECORDS_PROPERTY:
                records = json.loads(str(value))
                self._claims[records[-1]["claim"]] = records

    def pytest_sessionfinish(self) -> None:
        """Write results and page; an earlier run of the same name is kept aside."""
        if not self._claims:
            self.said = "no theory check ran, so no page was written"
            return
        from lpfl.results.runs import keep_aside
        from lpfl.results.store import read_results
        from lpfl.results.writer import ResultsWriter
        from lpfl.verify.registry import CLAIMS
        from lpfl.verify.running.environment import run_header
        from lpfl.verify.running.run_page import write_run_page
        from lpfl.verify.running.runner import Plan

        page = Path(self._config.getoption("--lpfl-report"))
        results = page.with_suffix(page.suffix + ".jsonl")
        plan = Plan(
            claim_ids=tuple(claim_id for claim_id in CLAIMS if claim_id in self._claims),
            seed=self._config.getoption("--lpfl-seed"),
            device=self._config.getoption("--lpfl-device"),
            dtype=self._config.getoption("--lpfl-dtype"),
        )
        profile = self._config.getoption("--lpfl-profile") or f"pytest, {drawn_by()}"
        keep_aside(page.parent, (page.name, results.name))
        with ResultsWriter(results, run_header(plan, profile=profile)) as writer:
            for claim_id in plan.claim_ids:
                for record in self._claims[claim_id]:
                    writer.write(record)
        write_run_page(page, read_results(results))
        self.said = f"page: {page}, results: {results}"

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say where the page lies."""
        from lpfl.harmless import harmless

        terminalreporter.write_line(harmless(f"lpfl: {self.said}"))


def drawn_by() -> str:
    """Return what drew the scenarios of a run without a profile of lpfl."""
    from hypothesis import settings

    current = settings.default
    return f"Hypothesis with {current.max_examples if current else 0} examples"
