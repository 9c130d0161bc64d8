"""The page of a results file with everything the registry knows beside it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from lpfl.report.chart import Chart, chart_of_picture
from lpfl.report.overview.index import way_to_index
from lpfl.report.page import build_page, claim_views, write_page
from lpfl.report.source_links import checkout_root
from lpfl.report.trend import Moment, trends
from lpfl.results.history import history
from lpfl.results.runs import RUNS
from lpfl.results.store import Results
from lpfl.trust.page import page_rows
from lpfl.verify.links import claim_links
from lpfl.verify.region import STRENGTH
from lpfl.verify.registry import REGISTRY

REPORTS = Path("reports")
HEADLINE = REPORTS / "experiments" / "headline.json"


def write_run_page(
    page: Path, results: Results, *, repository: str = "", runs: Path | None = None
) -> None:
    """Write the page of ``results``: statements, letters, links to formula and check.

    repository: address of the source tree in a browser, for the links. runs: a folder of earlier
    runs, for the trend of each claim (by default the folder of kept runs that the page lies in).
    Raises ValueError if a folder cannot be read or written.
    """
    notation = {
        letter: row for pack in REGISTRY.packs.values() for letter, row in pack.notation.items()
    }
    html = build_page(
        results,
        REGISTRY.claims,
        notation=notation,
        links=claim_links(REGISTRY, page.parent, repository=repository),
        titles={prefix: pack.title for prefix, pack in REGISTRY.packs.items()},
        strengths=STRENGTH,
        trends=trends_of(runs or kept_beside(page), str(results.header["profile"])),
        headline=headline(),
        trust=how_checked(),
        elsewhere=way_to_index(page),
    )
    write_page(page, html)


def run_charts(results: Results) -> list[Chart]:
    """Return the charts of every claim of a run, in the order of the page."""
    views = claim_views(results, REGISTRY.claims)
    return [chart for view in views for chart in view.charts]


def trends_of(runs: Path | None, profile: str) -> Mapping[str, Sequence[Moment]]:
    """Return how claims fared in the runs of a folder with this profile; nothing without one."""
    if runs is None:
        return {}
    entries, _ = history(runs)
    return trends(entries, profile)


def kept_beside(page: Path) -> Path | None:
    """Return the folder of kept runs that ``page`` lies in, if it lies in one."""
    folder = page.resolve().parent.parent
    return folder if folder.name == RUNS else None


def how_checked() -> Sequence[tuple[str, str]]:
    """Return what the committed calibration, faults and mutants say, if this is a checkout."""
    root = checkout_root()
    return () if root is None else page_rows(root / REPORTS)


def headline() -> Sequence[Chart]:
    """Return the pictures of the committed headline experiment, if this is a checkout of it."""
    root = checkout_root()
    if root is None or not (root / HEADLINE).is_file():
        return ()
    fields = json.loads((root / HEADLINE).read_text(encoding="utf-8"))
    return [
        chart_of_picture(one, "headline")
        for section in fields["sections"]
        for one in section["pictures"]
    ]
