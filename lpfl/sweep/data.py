"""The records of a sweep as files: JSON lines, and one flat table for a spreadsheet."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lpfl.harmless import harmless_cell
from lpfl.sweep.subjects import COLUMNS


def to_lines(records: Iterable[Mapping[str, Any]]) -> str:
    """Return one JSON object per task, in the order of the tasks."""
    return "".join(json.dumps(record, allow_nan=False) + "\n" for record in records)


def to_csv(records: Iterable[Mapping[str, Any]], axes: Sequence[str]) -> str:
    """Return one line per row of a task; a task without rows has one that says why.

    A text that a spreadsheet would read as a formula gets an apostrophe in front.
    """
    target = io.StringIO()
    table = csv.writer(target, lineterminator="\n")
    table.writerow(["task", "seed", *axes, *COLUMNS])
    for record in records:
        start = [record["task"], record["seed"], *(record["point"][axis] for axis in axes)]
        rows = record["rows"] or [
            dict.fromkeys(COLUMNS)
            | {
                "subject": record["subject"],
                "outcome": record["status"],
                "detail": record["error"],
            }
        ]
        for row in rows:
            table.writerow(map(cell_of, [*start, *(row[name] for name in COLUMNS)]))
    return target.getvalue()


def cell_of(value: Any) -> Any:
    """Return a value for a table: every digit of a number, a text made harmless."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return harmless_cell(value)
    return value
