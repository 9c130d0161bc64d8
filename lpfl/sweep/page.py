"""The page of a sweep: its maps, what they show in a sentence, and the data in a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from lpfl.environment import environment
from lpfl.report.html import render
from lpfl.report.numerals import short
from lpfl.sweep.fields import WORDS, in_words
from lpfl.sweep.heat import MOST_CELLS, heat_map
from lpfl.sweep.maps import Shown
from lpfl.sweep.spec import Spec

MOST_ROWS = 400
COMPARED = (
    "A cell is the median over the seeds, which are paired. “=”: fewer than nine in ten seeds name "
    "the same winner. “∞”: only the winner has a number. Crossed out: neither has one."
)
Record = Mapping[str, Any]


def build_page(
    spec: Spec,
    records: Sequence[Record],
    maps: Sequence[Shown],
    *,
    seconds: float,
    elsewhere: Sequence[tuple[str, str]] = (),
) -> str:
    """Return the page as HTML; every text in it is escaped.

    elsewhere: (title, address) of other pages.
    """
    troubles = [
        f"{record['point']}: {record['error']}" for record in records if record["status"] == "error"
    ]
    return render(
        "maps.html.jinja",
        more_style="maps.css",
        elsewhere=elsewhere,
        spec=spec,
        sections=[_section(spec, one) for one in maps],
        troubles=troubles[:20],
        more_troubles=max(0, len(troubles) - 20),
        facts=_facts(spec, records, seconds),
        axes=[_axis_words(axis) for axis in spec.design.axes],
        fixed=[(_named(name), _said(value)) for name, value in spec.fixed.items()],
        subjects=_subjects(spec),
        table=_table(spec, records),
    )


def _section(spec: Spec, one: Shown) -> dict[str, Any]:
    """Return what the template shows of one map."""
    chart = None
    if len(one.cells) <= MOST_CELLS:
        x, y = in_words(one.x), in_words(one.y)
        words = f"{one.title}: {one.measure.label} over {x} and {y}"
        chart = heat_map(
            one.cells,
            label=f"{words}, {len(one.cells)} cells",
            x=x,
            y=y,
            ends=_ends(one),
            diverging=one.rivals is not None or one.measure.column == "margin",
            log=one.measure.log,
            grid=spec.design.kind == "grid",
        )
    return {"title": one.title, "finding": one.finding, "chart": chart, "note": _note(one)}


def _note(one: Shown) -> str:
    measure = one.measure
    if one.rivals is None:
        return f"The {measure.pool} of the {measure.label} over the seeds. Crossed out: no number."
    how = f"The difference of the two ({measure.label}). "
    if measure.log:
        how = f"log₂ of the ratio of the two ({measure.label}); 1 is a factor of two. "
    signs = {cell.predicted > 0 for cell in one.cells if cell.predicted is not None}
    border = " The line is where the theory changes the winner." if len(signs) == 2 else ""
    return how + COMPARED + border


def _ends(one: Shown) -> tuple[str, str]:
    if one.rivals is not None:
        return f"{one.rivals[1]} better", f"{one.rivals[0]} better"
    if one.measure.column == "margin":
        return "beyond the limit", "far from it"
    return "low", "high"


def _axis_words(axis: Any) -> tuple[str, str]:
    if axis.listed:
        return _named(axis.name), ", ".join(_said(value) for value in axis.listed)
    scale = ", log scale" if axis.log else ""
    return _named(axis.name), f"{short(axis.low)} to {short(axis.high)}{scale}"


def _named(name: str) -> str:
    """Return a field as the spec has it, with what it means where that is known."""
    last = name.rpartition(".")[2]
    return f"{name}: {WORDS[last]}" if last in WORDS else name


def _subjects(spec: Spec) -> list[tuple[str, str]]:
    found = []
    for subject in spec.subjects:
        for one in subject.settings.get("entrants", ()):
            options = one.get("options") or {
                name: v for name, v in one.items() if name not in ("name", "label", "options")
            }
            words = ", ".join(
                f"{name} = {_said(v)}" for name, v in options.items() if v is not None
            )
            found.append((one["label"], f"{one['name']}{': ' if words else ''}{words}"))
        if subject.title:
            found.append((subject.title, spec.subjects[0].kind))
    return found


def _said(value: Any) -> str:
    return short(value, 4) if isinstance(value, int | float) else str(value)


def _facts(spec: Spec, records: Sequence[Record], seconds: float) -> list[tuple[str, str]]:
    status = [record["status"] for record in records]
    known = environment()
    return [
        ("points", str(len(spec.points))),
        ("seeds per point", str(spec.replicates)),
        ("tasks done", str(status.count("done"))),
        ("failed", str(status.count("error"))),
        ("outside the domain", str(status.count("outside"))),
        ("first seed", str(spec.seed)),
        ("processor time", f"{seconds:.0f} s"),
        ("lpfl", known["lpfl_version"]),
        *sorted(known["versions"].items()),
    ]


def _table(spec: Spec, records: Sequence[Record]) -> dict[str, Any] | None:
    """Return every row as a table; None if there are too many, which the CSV has."""
    axes = [axis.name for axis in spec.design.axes]
    rows = [
        [*(_said(record["point"][axis]) for axis in axes), str(record["seed"]), *_cells(row)]
        for record in records
        for row in record["rows"]
    ]
    if not 0 < len(rows) <= MOST_ROWS:
        return None
    header = [*axes, "seed", "of", "part", "measured", "predicted", "outcome"]
    numeric = [name not in ("of", "part", "outcome") for name in header]
    return {"title": "", "note": "", "header": header, "numeric": numeric, "rows": rows}


def _cells(row: Mapping[str, Any]) -> list[str]:
    numbers = [short(row["measured"]), short(row["predicted"])]
    return [row["subject"], row["part"], *numbers, row["outcome"] or row["detail"] or ""]
