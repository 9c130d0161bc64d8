"""A chart with what it shows as rows: for the page, and as files of its own."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from lpfl.harmless import harmless_cell
from lpfl.report.pictures import hidden_points, picture
from lpfl.report.prose import typeset


@dataclass(frozen=True, kw_only=True)
class Chart:
    """name: of its files. rows: a header, then the numbers that are drawn.

    quantity: what is drawn, as a formula beside the title; pages alone show it.
    """

    name: str
    drawing: Markup
    title: str = ""
    quantity: Markup = field(default_factory=Markup)
    caption: str = ""
    wide: bool = False
    rows: Sequence[Sequence[Any]] = field(default_factory=list)

    def as_csv(self) -> str:
        """Return the rows as CSV; texts that a spreadsheet would take for a formula are quoted."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        for row in self.rows:
            writer.writerow([_cell(cell) for cell in row])
        return file.getvalue()


def chart_of_picture(data: Mapping[str, Any], name: str) -> Chart:
    """Return the chart of a picture (see ``lpfl.report.pictures``)."""
    hidden = hidden_points(data)
    said = [typeset(data.get("note") or "")]
    said += [f"{hidden} points are not positive and lie outside the log axis."] if hidden else []
    return Chart(
        name=name,
        title=typeset(data["title"]),
        drawing=picture(data),
        caption=" ".join(words for words in said if words),
        wide=bool(data.get("wide")),
        rows=_rows(data),
    )


def file_name(*words: str) -> str:
    """Return words as the name of a file: letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", "-".join(words)).strip("-")[:80] or "chart"


def _rows(data: Mapping[str, Any]) -> list[list[Any]]:
    rows: list[list[Any]] = [["series", data["x_label"], data["y_label"], "low", "high"]]
    for one in data["series"]:
        ends = zip(one.get("low", one["y"]), one.get("high", one["y"]), strict=True)
        for x, y, (low, high) in zip(one["x"], one["y"], ends, strict=True):
            rows.append([one["name"], x, y, *((low, high) if "low" in one else ("", ""))])
    return rows


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return harmless_cell(value)
    return "" if value is None else value
