"""What each map of a sweep shows: its cells, and a sentence about them."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lpfl.report.numerals import short
from lpfl.sweep.cells import Cell, compared_cells, pooled_cells, row_names
from lpfl.sweep.data import cell_of
from lpfl.sweep.spec import Map, Spec
from lpfl.sweep.subjects import Measure

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Shown:
    """One map with its cells. rivals: whom it compares, or None."""

    title: str
    finding: str
    x: str
    y: str
    cells: Sequence[Cell]
    measure: Measure
    rivals: tuple[str, str] | None = None


def shown_maps(spec: Spec, records: Sequence[Record]) -> list[Shown]:
    """Return the maps of a spec; one without rivals is drawn for every subject of the rows."""
    return [one for wanted in spec.maps for one in _shown(spec, wanted, records)]


def to_csv(maps: Sequence[Shown]) -> str:
    """Return one line per cell of every map."""
    target = io.StringIO()
    table = csv.writer(target, lineterminator="\n")
    table.writerow(["map", "x", "y", "at_x", "at_y", "value", "predicted", "open", "note"])
    for one in maps:
        for c in one.cells:
            line = [one.title, one.x, one.y, c.x, c.y, c.value, c.predicted, int(c.open), c.note]
            table.writerow(map(cell_of, line))
    return target.getvalue()


def _shown(spec: Spec, wanted: Map, records: Sequence[Record]) -> list[Shown]:
    measure = spec.subjects[0].measures[wanted.part]
    x, y, rivals = wanted.x, wanted.y, wanted.compare
    if rivals is not None:
        cells = compared_cells(records, rivals, wanted.part, measure, x, y)
        title = wanted.title or f"{rivals[0]} against {rivals[1]}"
        return [Shown(title, _winners(rivals, cells), x, y, cells, measure, rivals)]
    found = []
    for name in row_names(records, wanted.part, measure.column):
        cells = pooled_cells(records, name, wanted.part, measure, x, y)
        title = f"{name}: {wanted.title or measure.label}"
        found.append(Shown(title, _closeness(cells, measure), x, y, cells, measure))
    return found


def _winners(pair: tuple[str, str], cells: Sequence[Cell]) -> str:
    """Return who is ahead where, and how often the theory names the same winner."""
    known = [cell for cell in cells if cell.value is not None]
    sure = [cell for cell in known if not cell.open]
    first = sum(cell.value > 0 for cell in sure if cell.value is not None)
    second = len(sure) - first
    said = f"{pair[0]} is ahead in {first} of {len(cells)} cells, {pair[1]} in {second}"
    rest = [
        f"{len(known) - len(sure)} are open" if len(known) > len(sure) else "",
        f"{len(cells) - len(known)} have no number" if len(cells) > len(known) else "",
    ]
    said += "".join(f", {one}" for one in rest if one) + "."
    both = [cell for cell in sure if cell.predicted is not None]
    if both:
        same = sum((c.value > 0) == (c.predicted > 0) for c in both)  # type: ignore[operator]
        said += f" The theory names the same winner in {same} of {len(both)} cells with one."
    return said


def _closeness(cells: Sequence[Cell], measure: Measure) -> str:
    """Return how far measured and predicted are apart where both are known."""
    gaps = [
        abs(cell.value - cell.predicted)
        for cell in cells
        if cell.value is not None and cell.predicted is not None
    ]
    if not gaps:
        return ""
    if max(gaps) == 0:
        return f"Measured and predicted are the same in all {len(gaps)} cells that have both."
    return (
        f"Measured and predicted differ by {short(max(gaps), 2)} at most, by "
        f"{short(sum(gaps) / len(gaps), 2)} on average, over {len(gaps)} cells."
    )
