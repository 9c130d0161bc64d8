"""Two or more runs on a page: claims x runs, what changed against the first, and what it means."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from lpfl.report.compact import compact
from lpfl.report.html import render
from lpfl.report.numerals import short
from lpfl.results.compare import NOT_RUN, Change, compare, differences_of_origin
from lpfl.results.store import Results

TELLING = ("significant", "verdict")


def build_comparison(
    runs: Sequence[tuple[str, Results]], *, elsewhere: Sequence[tuple[str, str]] = ()
) -> str:
    """Return the page of runs, given as (name, results); each is compared with the first.

    elsewhere: (title, address) of other pages.

    Raises ValueError for fewer than two runs.
    """
    if len(runs) < 2:
        raise ValueError(f"{len(runs)} results, needs at least 2 to compare")
    (_, first), *others = runs
    changes = [{c.claim: c for c in compare(first, other)} for _, other in others]
    names = list(dict.fromkeys(n for _, run in runs for n in run.header["claims"]))
    rows = [_row(name, runs, changes) for name in names]
    rows.sort(key=lambda row: not row["changed"])
    changed = sum(row["changed"] for row in rows)
    page = render(
        "compare.html.jinja",
        elsewhere=elsewhere,
        headline=_headline(changed, len(rows), len(runs)),
        runs=[_about(name, run, first) for name, run in runs],
        rows=rows,
    )
    return compact(page)


def _row(
    name: str, runs: Sequence[tuple[str, Results]], changes: Sequence[dict[str, Change]]
) -> dict[str, Any]:
    cells = [_cell(run.claims.get(name)) for _, run in runs]
    found = [None, *(change.get(name) for change in changes)]
    words = [_words(change) for change in found]
    for cell, change, said in zip(cells, found, words, strict=True):
        cell["said"] = said
        cell["telling"] = change is not None and _telling(change)
    return {"claim": name, "cells": cells, "changed": any(cell["telling"] for cell in cells)}


def _cell(record: Any) -> dict[str, Any]:
    if record is None:
        return {"verdict": NOT_RUN, "margin": short(None)}
    error = record["margin_std_error"]
    margin = short(record["margin"], 3) + (f" ± {short(error, 2)}" if error else "")
    return {"verdict": record["verdict"], "margin": margin}


def _telling(change: Change) -> bool:
    return change.verdict_a != change.verdict_b or change.significance == "significant"


def _words(change: Change | None) -> str:
    if change is None:
        return ""
    if change.change is None:
        return change.significance
    sign = "+" if change.change > 0 else ""
    return f"{sign}{short(change.change, 3)}, {change.significance}"


def _about(name: str, run: Results, first: Results) -> dict[str, Any]:
    counts = Counter(record["verdict"] for record in run.claims.values())
    header = run.header
    facts = ("profile", "seed", "device", "dtype", "lpfl_version", "started")
    return {
        "name": name,
        "counts": ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())),
        "facts": [(fact.replace("_", " "), str(header[fact])) for fact in facts if fact in header],
        "differences": [] if run is first else differences_of_origin(first, run),
    }


def _headline(changed: int, claims: int, runs: int) -> str:
    if not changed:
        return f"{runs} runs of {claims} claims: nothing changed beyond chance and rounding."
    verb = "differs" if changed == 1 else "differ"
    return f"{changed} of {claims} claims {verb} between {runs} runs."
