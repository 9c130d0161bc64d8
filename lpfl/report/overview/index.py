"""The index of a folder of reports: runs, experiments and other pages, which know each other."""

import html
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lpfl.report.compact import compact
from lpfl.report.html import render
from lpfl.results.history import history
from lpfl.results.runs import PAGE, RUNS

INDEX_TITLE = "All pages"
MOST_RUNS = 200
_KNOWN = {
    "reference": "The committed run of all claims",
    "latest": "The newest run here",
    "optimizers": "Optimizers, judged",
}
_CHECKED = {
    "calibration": ("calibration.json", "margins.svg", "p_values.svg"),
    "faults": ("summary.json",),
    "mutants": ("mutants.json",),
    "gate": ("gate_errors.json",),
}
_FOLDERS = (*_KNOWN, *_CHECKED, RUNS, "experiments", "sweeps")
_TITLE = re.compile(r"<title>([^<]*)</title>")


def build_index(folder: Path, *, trust: Sequence[tuple[str, str]] = ()) -> str:
    """Return the index of ``folder`` (usually ``reports``); raise ValueError if it is none.

    trust: (what, number) of how the checks themselves were tested.
    """
    if not folder.is_dir():
        raise ValueError(f"index={folder} is no folder, needs one that holds reports")
    page = render(
        "index.html.jinja",
        pages=[(title, f"{name}/{PAGE}") for name, title in _KNOWN.items() if _has(folder, name)],
        experiments=list(_experiments(folder)),
        sweeps=list(_sweeps(folder)),
        trust=trust,
        checked=[
            (f"{name}/{file}", f"{name}/{file}")
            for name, files in _CHECKED.items()
            for file in files
            if (folder / name / file).is_file()
        ],
        runs=_runs(folder)[:MOST_RUNS],
    )
    return compact(page)


def way_to_index(page: Path) -> list[tuple[str, str]]:
    """Return (title, relative address) of the index above a page, in a list; empty if none is."""
    start = page.resolve().parent
    for above in list(start.parents)[:3]:
        index = above / PAGE
        beside = any((above / name).is_dir() for name in _FOLDERS)
        if index.is_file() and beside:
            return [(INDEX_TITLE, Path(os.path.relpath(index, start)).as_posix())]
    return []


def _has(folder: Path, name: str) -> bool:
    return (folder / name / PAGE).is_file()


def _experiments(folder: Path) -> Iterator[dict[str, str]]:
    for data in sorted((folder / "experiments").rglob("*.json")):
        page = data.with_suffix(".html")
        if not page.is_file():
            continue
        try:
            fields = json.loads(data.read_text(encoding="utf-8"))
            title, scale = str(fields["title"]), str(fields["options"]["scale"])
        except (ValueError, KeyError, TypeError):
            continue
        yield {
            "title": title,
            "scale": scale,
            "address": page.relative_to(folder).as_posix(),
        }


def _sweeps(folder: Path) -> Iterator[tuple[str, str]]:
    """Return (title, address) of each sweep's page."""
    for page in sorted((folder / "sweeps").glob(f"*/{PAGE}")):
        head = page.read_text(encoding="utf-8", errors="replace")[:4000]
        title = _TITLE.search(head)
        yield (
            html.unescape(title[1]) if title else page.parent.name,
            page.relative_to(folder).as_posix(),
        )


def _runs(folder: Path) -> list[dict[str, Any]]:
    """Return the kept runs, newest first, with the counts of their verdicts."""
    if not (folder / RUNS).is_dir():
        return []
    entries, _ = history(folder / RUNS)
    found: dict[str, list[Any]] = {}
    for entry in entries:
        found.setdefault(entry.run, []).append(entry)
    rows = []
    for run, own in found.items():
        counts = Counter(entry.verdict for entry in own)
        page = folder / RUNS / run / PAGE
        rows.append(
            {
                "run": run,
                "address": page.relative_to(folder).as_posix() if page.is_file() else "",
                "about": [own[0].started, own[0].profile, own[0].seed, own[0].version],
                "counts": sorted(counts.items()),
            }
        )
    return sorted(rows, key=lambda row: row["about"][0], reverse=True)
