"""The page of a results file with everything the registry knows beside it."""

from pathlib import Path

from lpfl.report.page import build_page, write_page
from lpfl.results.store import Results
from lpfl.verify.links import claim_links
from lpfl.verify.region import STRENGTH
from lpfl.verify.registry import REGISTRY


def write_run_page(page: Path, results: Results, *, repository: str = "") -> None:
    """Write the page of ``results``: statements, letters, links to formula and check.

    repository: address of the source tree in a browser, for the links. Raises ValueError if the
    folder cannot be written.
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
    )
    write_page(page, html)
