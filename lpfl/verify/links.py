"""Where every claim's formula and check are written, as links for its page."""

from collections.abc import Mapping
from pathlib import Path

from lpfl.report.source_links import source_href, source_path
from lpfl.verify.registry import Registry

Link = tuple[str, str, str]


def claim_links(
    registry: Registry, page_folder: Path, *, repository: str = ""
) -> Mapping[str, list[Link]]:
    """Return per claim id (what it is, path and line, address or "") of formula and check."""
    links: dict[str, list[Link]] = {}
    for name, claim in registry.claims.items():
        places = [("formula", claim.defined_at)]
        if name in registry.checks:
            places.append(("check", registry.checks[name].defined_at))
        links[name] = [
            (what, source_path(*place), source_href(*place, page_folder, repository=repository))
            for what, place in places
        ]
    return links
