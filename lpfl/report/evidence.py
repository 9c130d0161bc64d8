"""What a claim's observations are shown as: charts and tables."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from markupsafe import Markup

from lpfl.report.chart import Chart, chart_of_picture, file_name
from lpfl.report.limits import STATISTIC_LABELS, strip
from lpfl.report.measured.against import against, parts_to_draw, rows_of
from lpfl.report.measured.quantity import Quantity
from lpfl.report.observed import number_of
from lpfl.report.prose import part_words, typeset

MOST_PICTURES = 4
MOST_TABLES = 4
SIGNS = {"commutes": "=", "does not commute": "≠"}  # in a coloured matrix
Record = Mapping[str, Any]


def charts_of(
    name: str,
    observations: Sequence[Record],
    kind: str,
    worst: Record,
    quantities: Mapping[str, Quantity] = MappingProxyType({}),
) -> list[Chart]:
    """Return the charts of a claim: pictures, measured against predicted, distance to the limit.

    worst: what the claim record says of the deciding finding. quantities: by part, what it is
    about.
    """
    scenario, part = worst.get("scenario"), worst.get("part") or ""
    drawn = [o for o in observations if o.get("picture")][:MOST_PICTURES]
    charts = [_picture_chart(name, o, observations, scenario) for o in drawn]
    for one in parts_to_draw(observations, part):
        quantity = quantities.get(one, Quantity(Markup(""), Markup("")))
        charts.append(
            Chart(
                name=file_name(name, "against", one),
                title=f"Measured and predicted: {typeset(part_words(one))}",
                quantity=quantity.formula,
                caption=quantity.words,
                drawing=against(observations, one, scenario),
                rows=rows_of(observations, one),
            )
        )
    charts.append(
        Chart(
            name=file_name(name, "limits"),
            title=f"How close to the limit: {STATISTIC_LABELS[kind]}",
            drawing=strip(observations),
            rows=[["part", "outcome", "statistic"]]
            + [[o["part"], o["outcome"], o["statistic"]] for o in observations],
        )
    )
    return charts


def tables_of(observations: Sequence[Record]) -> list[dict[str, Any]]:
    """Return the tables of a claim as the template shows them, cells coloured by what they say."""
    return [_table(o["table"]) for o in observations if o.get("table")][:MOST_TABLES]


def _picture_chart(
    name: str, o: Record, observations: Sequence[Record], deciding: Record | None
) -> Chart:
    """Return the chart of an observation's picture, which says whose scenario it is."""
    chart = chart_of_picture(o["picture"], file_name(name, o["picture"]["title"]))
    number = number_of(o["scenario"], observations)
    whose = f"Scenario {number}{', the deciding one' if o['scenario'] == deciding else ''}."
    said = chart.caption.rstrip(". ")
    return replace(chart, caption=f"{said}. {whose}" if said else whose)


def shade_of(cell: str) -> str:
    """Return what a cell says, as a class of the style sheet: yes, no, open, wrong, or ""."""
    if "NOT " in cell or "COMMUTES" in cell:
        return "wrong"
    starts = {"commutes": "yes", "does not commute": "no", "not stated": "open"}
    return next((shade for words, shade in starts.items() if cell.startswith(words)), "")


def _table(data: Mapping[str, Any]) -> dict[str, Any]:
    columns = {"header": data["header"], "numeric": [False] * len(data["header"])}
    shades = [[shade_of(cell) for cell in row] for row in data["rows"]]
    coloured = any(map(any, shades))
    said = ", ".join(f"{sign} {words}" for words, sign in SIGNS.items())
    note = [f"{said}; the number is the distance."] if coloured else []
    note += [typeset(data["note"])] if data.get("note") else []
    rows = [[_with_sign(cell) for cell in row] for row in data["rows"]]
    return {"title": data["title"], **columns, "rows": rows, "note": " ".join(note),
            "shades": shades if coloured else None}  # fmt: skip


def _with_sign(cell: str) -> str:
    """Return "commutes (1e-16)" as "= 10⁻¹⁶", and other cells as they are."""
    words, _, number = cell.partition(" (")
    if words not in SIGNS or not number.endswith(")"):
        return cell
    return f"{SIGNS[words]} {typeset(number[:-1])}"
