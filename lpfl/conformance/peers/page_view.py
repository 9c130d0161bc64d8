"""What the survey's page shows of one subject, and what changed since an earlier survey."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lpfl.conformance.outcomes import FINDINGS, Outcome, severity, worst
from lpfl.conformance.peers.records import Survey
from lpfl.conformance.peers.rules import JUDGED

CODES = {
    Outcome.CONFORMS: ("c", "."),
    Outcome.CONVENTION: ("e", "≈"),
    Outcome.VARIANT: ("v", "v"),
    Outcome.NUMERICS: ("n", "n"),
    Outcome.LIMIT: ("l", "L"),
    Outcome.DEVIATES: ("d", "D"),
    Outcome.INCONCLUSIVE: ("i", "?"),
    Outcome.UNDRIVABLE: ("x", "-"),
    Outcome.NOT_CLAIMED: ("o", ""),
    Outcome.UNKNOWN: ("u", "u"),
}
"""Outcome -> class of the cell, and the letter in it."""

BRIEF = 90
"""Characters kept of an answer that finds nothing."""


@dataclass(frozen=True)
class Cell:
    """One check of one subject: its gravest outcome, and whether it changed."""

    check: str
    outcome: Outcome
    changed: bool

    @property
    def code(self) -> str:
        """Class of the cell."""
        return CODES[self.outcome][0] + (" w" if self.changed else "")

    @property
    def letter(self) -> str:
        """What stands in the cell."""
        return CODES[self.outcome][1]


@dataclass
class Answer:
    """One result worth words: a finding, a convention, or what a number means for features."""

    check: str
    outcome: str
    code: str
    words: str
    number: str
    feature: str
    expected: str
    scenario: str
    program: int | None
    more: int


@dataclass(frozen=True)
class Row:
    """One subject: its cells in the order of the checks, and the answers that need words."""

    number: int
    name: str
    package: str
    version: str
    claims: str
    worst: Outcome
    seconds: float | None
    cells: list[Cell]
    answers: list[Answer]
    supports: str
    source: str
    counts: dict[str, int]


@dataclass(frozen=True)
class Aside:
    """A subject or package without results, and why."""

    name: str
    version: str
    status: str
    reason: str


@dataclass(frozen=True)
class Change:
    """A check whose outcome differs between two surveys."""

    name: str
    check: str
    before: str
    after: str


@dataclass
class View:
    """Everything on the page."""

    rows: list[Row] = field(default_factory=list)
    asides: list[Aside] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    programs: dict[str, int] = field(default_factory=dict)


def view(survey: Survey, against: Survey | None = None) -> View:
    """Return the page's view of a survey, compared with an earlier one where there is one."""
    checks = list(survey.header["checks"])
    shown = View()
    for name in sorted(survey.subjects, key=str.lower):
        line = survey.subjects[name]
        if line["status"] != JUDGED:
            version = str(line.get("version") or "")
            shown.asides.append(Aside(name, version, line["status"], line["reason"]))
            continue
        before = against.subjects.get(name) if against is not None else None
        changes = _changes(name, line, before)
        shown.changes += changes
        changed = {change.check for change in changes}
        shown.rows.append(_row(len(shown.rows), line, checks, changed, shown.programs))
    return shown


def _row(
    number: int,
    line: Mapping[str, Any],
    checks: Iterable[str],
    changed: set[str],
    programs: dict[str, int],
) -> Row:
    found: dict[str, list[dict[str, Any]]] = {}
    for result in line["results"]:
        found.setdefault(result["check"], []).append(result)
    cells = [_cell(check, found.get(check, []), check in changed) for check in checks]
    graver = [cell.outcome for cell in cells if cell.outcome in FINDINGS]
    return Row(
        number=number,
        name=line["subject"],
        package=line["package"],
        version=str(line["version"]),
        claims=", ".join(line["claims"]),
        worst=worst(graver) if graver else Outcome.CONFORMS,
        seconds=line.get("cpu_seconds", line.get("seconds")),
        cells=cells,
        answers=[_answer(group, programs) for group in _worded(line["results"])],
        supports="; ".join(line.get("supports", [])),
        source=line.get("source", ""),
        counts={o.value: sum(cell.outcome is o for cell in cells) for o in FINDINGS},
    )


def _cell(check: str, results: list[dict[str, Any]], changed: bool) -> Cell:
    return Cell(check, worst(Outcome(r["outcome"]) for r in results), changed)


def _worded(results: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the answers worth words; those of one check and outcome together.

    First what the numbers mean for feature learning, then the findings, gravest first.
    """
    quiet = {Outcome.CONFORMS, Outcome.NOT_CLAIMED, Outcome.UNDRIVABLE}
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for result in results:
        if Outcome(result["outcome"]) not in quiet or result.get("feature") or result.get("stale"):
            groups.setdefault((result["check"], result["outcome"]), []).append(result)
    order = sorted(
        groups,
        key=lambda key: (
            not groups[key][0].get("feature"),
            -severity(Outcome(key[1])),
            key[0],
        ),
    )
    return [groups[key] for key in order]


def _answer(group: list[dict[str, Any]], programs: dict[str, int]) -> Answer:
    result = next((r for r in group if r.get("snippet")), group[0])
    outcome = Outcome(result["outcome"])
    found = outcome in FINDINGS
    parts = [("measured", "measured"), ("bound", "bound"), ("control", "torch's own")]
    numbers = [f"{word} {_short(result[k])}" for k, word in parts if result.get(k) is not None]
    scenario = ", ".join(f"{k} = {v}" for k, v in (result.get("scenario") or {}).items())
    snippet = result.get("snippet", "") if found else ""
    feature = _feature(result.get("feature", ""), outcome)
    return Answer(
        check=result["check"],
        outcome=outcome.value,
        code=CODES[outcome][0],
        words="" if outcome is Outcome.CONFORMS and feature else _brief(result["message"], found),
        number="; ".join(numbers if found else ()),
        feature=feature,
        expected=result.get("expected", ""),
        scenario=scenario if found else "",
        program=programs.setdefault(snippet, len(programs)) if snippet else None,
        more=len(group) - 1,
    )


def _feature(words: str, outcome: Outcome) -> str:
    """Return what a number means for features; without what it is measured by, if all is well."""
    return f"{words.partition(';')[0]}." if outcome is Outcome.CONFORMS and ";" in words else words


def _brief(words: str, found: bool) -> str:
    return words if found or len(words) <= BRIEF else f"{words[:BRIEF].rstrip()} ..."


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)


def _changes(name: str, line: Mapping[str, Any], before: Mapping[str, Any] | None) -> list[Change]:
    if before is None or before["status"] != JUDGED:
        return []
    old, new = _by_check(before), _by_check(line)
    return [
        Change(name, check, old[check].value, new[check].value)
        for check in new
        if check in old and old[check] is not new[check]
    ]


def _by_check(line: Mapping[str, Any]) -> dict[str, Outcome]:
    found: dict[str, list[Outcome]] = {}
    for result in line["results"]:
        found.setdefault(result["check"], []).append(Outcome(result["outcome"]))
    return {check: worst(outcomes) for check, outcomes in found.items()}
