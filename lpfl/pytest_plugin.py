"""The pytest plugin: options, the marker, and a results file and page from a test run.

Loaded in every project where lpfl is installed, so it imports neither torch nor hypothesis.
"""

import json
from pathlib import Path
from typing import Any

import pytest

RECORDS_PROPERTY = "lpfl_records"


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
    controlled = not hasattr(config, "workerinput")
    if controlled and config.getoption("--lpfl-report"):
        config.pluginmanager.register(RecordCollector(config), "lpfl-records")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the checks of the optimizers that are asked for."""
    if config.getoption("--lpfl-optimizer") or config.getini("lpfl_optimizers"):
        from lpfl.conformance.pytest_items import collect_optimizers

        items += collect_optimizers(session)


class RecordCollector:
    """Gathers records that tests attach with ``record_property``; works under xdist."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._claims: dict[str, list[dict[str, Any]]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the records of a finished test."""
        if report.when != "call":
            return
        for name, value in report.user_properties:
            if name == RECORDS_PROPERTY:
                records = json.loads(str(value))
                self._claims[records[-1]["claim"]] = records

    def pytest_sessionfinish(self) -> None:
        """Write results and page."""
        if not self._claims:
            return
        from lpfl.results.store import read_results
        from lpfl.results.writer import ResultsWriter
        from lpfl.verify.environment import run_header
        from lpfl.verify.registry import CLAIMS
        from lpfl.verify.run_page import write_run_page
        from lpfl.verify.runner import Plan

        page = Path(self._config.getoption("--lpfl-report"))
        results = page.with_suffix(page.suffix + ".jsonl")
        plan = Plan(
            claim_ids=tuple(claim_id for claim_id in CLAIMS if claim_id in self._claims),
            seed=self._config.getoption("--lpfl-seed"),
            device=self._config.getoption("--lpfl-device"),
            dtype=self._config.getoption("--lpfl-dtype"),
        )
        profile = self._config.getoption("--lpfl-profile") or f"pytest, {drawn_by()}"
        with ResultsWriter(results, run_header(plan, profile=profile), overwrite=True) as writer:
            for claim_id in plan.claim_ids:
                for record in self._claims[claim_id]:
                    writer.write(record)
        write_run_page(page, read_results(results))


def drawn_by() -> str:
    """Return what drew the scenarios of a run without a profile of lpfl."""
    from hypothesis import settings

    current = settings.default
    return f"Hypothesis with {current.max_examples if current else 0} examples"
