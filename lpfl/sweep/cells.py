"""From the rows of a sweep to the cells of a map: pooled over seeds, or two rivals compared."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from lpfl.sweep.subjects import Measure, Row

AGREE = 0.9
"""A cell names a winner if so large a share of its seeds agrees."""
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """One place of a map. value: None where there is nothing to show, and ``note`` says why.

    predicted: the same number as the theory has it. open: the seeds do not agree.
    """

    x: Any
    y: Any
    value: float | None
    predicted: float | None = None
    open: bool = False
    note: str = ""


def row_names(records: Iterable[Record], part: str, column: str = "measured") -> list[str]:
    """Return the subjects of rows that a measure applies to, in order."""
    return list(
        dict.fromkeys(
            row["subject"] for record in records for row in record["rows"]
            if row["part"] == part or column != "measured"
        )
    )  # fmt: skip


def pooled_cells(
    records: Sequence[Record], name: str, part: str, measure: Measure, x: str, y: str
) -> list[Cell]:
    """Return a cell per place of (x, y) for the rows of one subject."""
    cells = []
    for (a, b), group in _groups(records, x, y).items():
        rows = _rows(group, name, part, measure)
        value = pooled([row[measure.column] for row in rows], measure)
        predicted = pooled([row["predicted"] for row in rows], measure) if rows else None
        if measure.column != "measured":
            predicted = None
        cells.append(
            Cell(a, b, value, predicted, note="" if value is not None else _why(group, rows))
        )
    return cells


def compared_cells(
    records: Sequence[Record], pair: tuple[str, str], part: str, measure: Measure, x: str, y: str
) -> list[Cell]:
    """Return by how much the first of a pair is better, seed by seed, per place of (x, y).

    A difference, or for a log measure log2 of the ratio; infinite where only one has a number.
    """
    cells = []
    for (a, b), group in _groups(records, x, y).items():
        first, second = (_rows(group, name, part, measure) for name in pair)
        leads = [
            lead(p[measure.column], q[measure.column], measure)
            for p, q in zip(first, second, strict=False)
        ]
        known = [one for one in leads if one is not None]
        middle = median(known) if known else None
        ahead = sum(one > 0 for one in known)
        same = max(ahead, sum(one < 0 for one in known)) >= AGREE * len(leads)
        expected = [
            one
            for p, q in zip(first, second, strict=False)
            if None not in (p["predicted"], q["predicted"])
            and (one := lead(p["predicted"], q["predicted"], measure)) is not None
        ]
        note = "" if middle is not None else _why(group, first) or "neither has a number"
        predicted = fmean(expected) if expected else None
        cells.append(Cell(a, b, middle, predicted, middle is not None and not same, note))
    return cells


def lead(first: float | None, second: float | None, measure: Measure) -> float | None:
    """Return by how much ``first`` is better; None if neither has a number."""
    sign = 1.0 if measure.better == "higher" else -1.0
    if first is None or second is None:
        return None if first is second else math.inf if second is None else -math.inf
    if not measure.log:
        return sign * (first - second)
    tiny = 1e-300
    return sign * math.log2(max(first, tiny) / max(second, tiny))


def pooled(values: Sequence[float | None], measure: Measure) -> float | None:
    """Return one number for the seeds of a cell; None without one, or if the median has none."""
    if measure.pool == "median":
        middle = median(math.inf if v is None else v for v in values) if values else math.inf
        return middle if math.isfinite(middle) else None
    known = [value for value in values if value is not None]
    if not known:
        return None
    return min(known) if measure.pool == "least" else fmean(known)


def _groups(records: Sequence[Record], x: str, y: str) -> dict[tuple[Any, Any], list[Record]]:
    groups: dict[tuple[Any, Any], list[Record]] = defaultdict(list)
    for record in records:
        groups[record["point"][x], record["point"][y]].append(record)
    return groups


def _rows(group: Sequence[Record], name: str, part: str, measure: Measure) -> list[Row]:
    """Return the rows of a subject; a measure of every part takes all of them."""
    return [
        row
        for record in group
        for row in record["rows"]
        if row["subject"] == name and (row["part"] == part or measure.column != "measured")
    ]


def _why(group: Sequence[Record], rows: Sequence[Row]) -> str:
    """Return why a cell shows nothing."""
    for status in ("error", "outside"):
        found = [record for record in group if record["status"] == status]
        if found and not rows:
            return f"{status}: {found[0]['error']}"
    words = list(dict.fromkeys(row["outcome"] for row in rows if row["outcome"]))
    return ", ".join(words)
