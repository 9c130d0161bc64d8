"""What the page shows of one claim: plain values, ready for the template."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import sympy as sp
from markupsafe import Markup

from lpfl.report.chart import Chart
from lpfl.report.evidence import charts_of, tables_of
from lpfl.report.formulas import pieces, to_mathml
from lpfl.report.limits import SHAPE_OF_OUTCOME, gauge
from lpfl.report.measured.quantity import Quantity, quantity_of
from lpfl.report.numerals import ABSENT, flat, short
from lpfl.report.observed import Observed, number_of, observed
from lpfl.report.prose import typeset
from lpfl.report.reach import if_wrong_words, region_words, sizes
from lpfl.report.region_map import region_map
from lpfl.report.trend import Moment, trend_chart
from lpfl.results.reproduce import reproduce_command

NOT_RUN = "not run"
KIND_WORDS = {
    "identity": "identity: two expressions are equal",
    "bound": "bound: holds always",
    "bound_whp": "bound: holds with a stated probability",
    "law": "law: a known finite-sample distribution",
    "limit": "limit: tends to a value as sizes grow",
    "rate": "rate: a contraction factor or an exponent",
    "ordering": "ordering: one is at least as good as another",
}
Record = Mapping[str, Any]
Link = tuple[str, str, str]


class Statement(Protocol):
    """What the page needs of a claim of the catalogue."""

    @property
    def title(self) -> str: ...
    @property
    def says(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def source(self) -> Any: ...
    @property
    def parts(self) -> Mapping[str, Any]: ...
    @property
    def definitions(self) -> Mapping[sp.Basic, sp.Basic]: ...
    @property
    def assumptions(self) -> Sequence[Any]: ...
    @property
    def beyond_paper(self) -> bool: ...
    def relations(self) -> Mapping[str, sp.Basic]: ...


class Letter(Protocol):
    """What the page needs of a row of the notation table."""

    @property
    def symbol(self) -> Any: ...
    @property
    def meaning(self) -> str: ...
    @property
    def unit(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class PartView:
    """What is said beside the formula of one part."""

    kind: str = ""
    outcome: str = ""
    predicted: str = ABSENT
    measured: str = ABSENT
    margin: str = ABSENT
    if_wrong: str = ""


@dataclass(frozen=True, kw_only=True)
class ClaimView:
    """Everything one section and one row of the overview show."""

    id: str
    title: str
    kind: str
    kind_words: str
    verdict: str
    says: str = ""
    source: str = ""
    beyond_paper: bool = False
    catalogued: bool = True
    interrupted: bool = False
    formulas: list[tuple[str, list[Markup], PartView]] = field(default_factory=list)
    links: Sequence[Link] = ()
    definitions: list[list[Markup]] = field(default_factory=list)
    shared_definitions: list[Markup] = field(default_factory=list)
    assumptions: list[tuple[str, Markup | None]] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    strength: str = ""
    sizes: str = ""
    region_map: Markup = field(default_factory=Markup)
    region: str = ""
    predicted: str = ABSENT
    measured: str = ABSENT
    margin: str = ABSENT
    gauge: Markup = field(default_factory=Markup)
    numbers: list[tuple[str, str]] = field(default_factory=list)
    worst: list[tuple[str, str]] = field(default_factory=list)
    worst_number: int | None = None
    worst_part: str = ""
    detail: str = ""
    command: str = ""
    charts: list[Chart] = field(default_factory=list)
    trend: Sequence[Moment] = ()
    tally: list[tuple[str, int]] = field(default_factory=list)
    tables: list[dict[str, Any]] = field(default_factory=list)
    observed: Observed = field(default_factory=Observed)

    @property
    def has_section(self) -> bool:
        """A claim that was not selected has a row in the overview, and no section."""
        return self.verdict != NOT_RUN or self.interrupted


def claim_view(
    name: str,
    statement: Statement | None,
    record: Record | None,
    observations: Sequence[Record],
    header: Record,
    notation: Mapping[str, Letter],
    links: Sequence[Link] = (),
    strength: str = "",
    trend: Sequence[Moment] = (),
) -> ClaimView:
    """Return the view of claim ``name``; any of its statement, record, observations may lack."""
    known = record or (observations[0] if observations else None)
    kind = str(known["kind"] if known else (statement.kind if statement else ""))
    view: dict[str, Any] = {
        "id": name,
        "title": statement.title if statement else "Not in this version's catalogue",
        "kind": kind.replace("_whp", ", w.h.p."),
        "kind_words": KIND_WORDS.get(kind, kind),
        "verdict": record["verdict"] if record else NOT_RUN,
        "catalogued": statement is not None,
        "interrupted": record is None and name in header["claims"],
        "strength": strength,
        "trend": trend,
    }
    if statement is not None:
        view |= _words(statement) | {"links": links}
        if record is not None or view["interrupted"]:  # it has a section
            view |= _statement(statement, notation, (record or {}).get("parts") or {})
    if record is not None:
        view |= _evidence(name, record, header)
        view["worst_number"] = number_of(record["worst"].get("scenario") or {}, observations)
    if observations:
        counts = Counter(o["outcome"] for o in observations)
        worst = record["worst"] if record else {}
        found = {} if statement is None else _quantities(statement, notation)
        charts = charts_of(name, observations, kind, worst, found)
        view |= {
            "charts": charts + ([trend_chart(name, trend)] if len(trend) > 1 else []),
            "tally": [(one, counts[one]) for one in SHAPE_OF_OUTCOME if counts[one]],
            "region_map": region_map(name, [o["scenario"] for o in observations]),
            "tables": tables_of(observations),
            "observed": observed(observations),
        }
    return ClaimView(**view)


def _quantities(statement: Statement, notation: Mapping[str, Letter]) -> dict[str, Quantity]:
    return {
        name: quantity_of(relation, str(statement.parts[name].kind), notation)
        for name, relation in statement.relations().items()
    }


def _part(name: str, statement: Statement, found: Mapping[str, Record]) -> PartView:
    kind = str(statement.parts[name].kind).replace("_whp", ", w.h.p.")
    if name not in found:
        return PartView(kind=kind)
    part = found[name]
    return PartView(
        kind=kind,
        outcome=part["outcome"],
        predicted=short(part.get("predicted")),
        measured=short(part.get("measured")),
        margin=short(part.get("margin"), 3),
        if_wrong=if_wrong_words(part.get("if_wrong") or {}),
    )


def _words(statement: Statement) -> dict[str, Any]:
    return {
        "says": statement.says,
        "source": str(statement.source),
        "beyond_paper": statement.beyond_paper,
    }


def _statement(
    statement: Statement, notation: Mapping[str, Letter], found: Mapping[str, Record]
) -> dict[str, Any]:
    relations = statement.relations()
    expressions = [*relations.values(), *statement.definitions.values()]
    names = {
        str(getattr(symbol, "name", symbol))
        for expression in expressions
        for symbol in expression.atoms(sp.Symbol, sp.MatrixSymbol)
    }
    names |= {str(getattr(symbol, "name", symbol)) for symbol in statement.definitions}
    return {
        "formulas": [
            (part, pieces(r), _part(part, statement, found)) for part, r in relations.items()
        ],
        "definitions": [
            pieces(sp.Eq(symbol, meaning, evaluate=False))
            for symbol, meaning in statement.definitions.items()
        ],
        "assumptions": [
            (a.text, None if a.relation is None else to_mathml(a.relation))
            for a in statement.assumptions
        ],
        "letters": [letter for letter in notation if letter in names],
    }


def _evidence(name: str, record: Record, header: Record) -> dict[str, Any]:
    worst = record["worst"]
    scenario = worst.get("scenario") or {}
    region = record.get("region") or {}
    error = record["margin_std_error"]
    margin = short(record["margin"]) + (f" ± {short(error, 2)}" if error else "")
    numbers = [
        ("statistic", short(record["statistic"])),
        ("margin", margin),
        ("level α", short(record["alpha"], 2) if record["alpha"] else ABSENT),
        ("detectable effect", short(record["detectable"])),
        ("samples needed", short(record["samples_needed"])),
        ("scenarios", short(record["scenarios"])),
        ("replicates", short(record["replicates"])),
        ("time", f"{short(record['seconds'], 3)} s"),
    ]
    return {
        "predicted": short(worst.get("predicted")),
        "measured": short(worst.get("measured")),
        "margin": short(record["margin"], 3),
        "gauge": gauge(record["statistic"], record["verdict"]),
        "numbers": [(name, words) for name, words in numbers if words != ABSENT],
        "sizes": sizes(region),
        "region": region_words(region),
        "worst": flat(scenario),
        "worst_part": typeset(worst.get("part") or ""),
        "detail": typeset(worst.get("detail") or ""),
        "command": reproduce_command(name, scenario, header) if scenario else "",
    }
