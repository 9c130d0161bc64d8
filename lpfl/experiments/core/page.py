"""The page of one experiment: one HTML file without a script and without an outside reference."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from lpfl.experiments.core.experiment import ExperimentResult, Options, Section, Table
from lpfl.report.html import render
from lpfl.report.numerals import short
from lpfl.report.pictures import hidden_points, picture


def build_page(result: ExperimentResult, *, elsewhere: Sequence[tuple[str, str]] = ()) -> str:
    """Return the page of ``result`` as HTML; every text in it is escaped.

    elsewhere: (title, address) of other pages.
    """
    sections = [_section(section) for section in result.sections]
    findings = [
        (number, section.finding)
        for number, section in enumerate(result.sections, 1)
        if section.finding
    ]
    return render(
        "experiment.html.jinja",
        result=result,
        sections=sections,
        findings=findings,
        facts=_facts(result),
        elsewhere=elsewhere,
        command=command(result.name, result.options),
    )


def command(name: str, options: Options) -> str:
    """Return the command line that runs the experiment again."""
    words = ["lpfl", "experiment", name, "--scale", options.scale, "--seed", str(options.seed)]
    if options.seeds is not None:
        words += ["--seeds", str(options.seeds)]
    if options.device != "cpu":
        words += ["--device", options.device]
    return shlex.join(words)


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "finding": section.finding,
        "text": section.text,
        "figures": [_figure(data) for data in section.pictures],
        "tables": [_table(table) for table in section.tables],
    }


def _figure(data: Mapping[str, Any]) -> tuple[str, Any, str, bool]:
    """Return (title, drawing, note, whether it is wide)."""
    note = data.get("note") or ""
    hidden = hidden_points(data)
    if hidden:
        note = f"{note} {hidden} points at or below 0 are not on the log axis.".strip()
    return data["title"], picture(data), note, bool(data.get("wide"))


def _table(table: Table) -> dict[str, Any]:
    columns = list(zip(*table.rows, strict=True)) or [()] * len(table.header)
    return {
        "title": table.title,
        "note": table.note,
        "header": table.header,
        "numeric": [not any(isinstance(cell, str) for cell in column) for column in columns],
        "rows": [[_cell(cell) for cell in row] for row in table.rows],
    }


def _cell(cell: str | int | float | None) -> str:
    return cell.replace(" ± ", "\u00a0±\u00a0") if isinstance(cell, str) else short(cell, 3)


def _facts(result: ExperimentResult) -> list[tuple[str, str]]:
    options = result.options
    facts = [
        ("scale", options.scale),
        ("seed", str(options.seed)),
        ("device", options.device),
        ("minutes", f"{result.seconds / 60:.1f}"),
    ]
    return facts + sorted(result.versions.items())
