"""An experiment's result as files: JSON of bearable size, and its tables as CSV."""

import csv
import io
import json
import re
from typing import Any

from lpfl.experiments.core.experiment import ExperimentResult
from lpfl.harmless import harmless_cell

DIGITS = 6
CSV_HEADER = ("section", "table", "row", "of", "column", "value")
_NUMBER = r"(?:-?[\d.]+(?:e[-+]?\d+)?|null)"
_NUMBERS = re.compile(rf"\[\n\s*({_NUMBER}(?:,\s+{_NUMBER})*)\s*\]")
_COMMA = re.compile(r",\s+")


def as_text(result: ExperimentResult) -> str:
    """Return the result as JSON, floats to six digits, a list of numbers on one line."""
    text = json.dumps(_rounded(result.as_json()), allow_nan=False, ensure_ascii=False, indent=1)
    return _NUMBERS.sub(lambda found: f"[{_COMMA.sub(', ', found[1])}]", text)


def tables_as_csv(result: ExperimentResult) -> str:
    """Return every cell of every table as a line; the first cell of a row says what it is of."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(CSV_HEADER)
    for section in result.sections:
        for table in section.tables:
            for number, row in enumerate(table.rows, 1):
                for column, value in list(zip(table.header, row, strict=True))[1:]:
                    words = (section.title, table.title, number, row[0], column, _cell(value))
                    writer.writerow([harmless_cell(w) if isinstance(w, str) else w for w in words])
    return file.getvalue()


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value


def _cell(value: Any) -> Any:
    return "" if value is None else _rounded(value)
