"""What the survey's page shows of one subject, and what changed since an earlier survey."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lpfl.conformance.outcomes import FINDINGS, Outcome, severity, worst
from lpfl.conformance.peers.records import JUDGED, Survey

CODES = {
    Outcome.CONFORMS: ("c", "·"),
    Outcome.CONVENTION: ("e", "≈"),
    Outcome.VARIANT: ("v", "v"),
    Outcome.NUMERICS: ("n", "n"),
    Outcome.LIMIT: ("l", "L"),
    Outcome.DEVIATES: ("d", "D"),
    Outcome.INCONCLUSIVE: ("i", "?"),
    Outcome.UNDRIVABLE: ("x", "–"),
    Outcome.NOT_CLAIMED: ("o", ""),
    Outcome.UNKNOWN: ("u", "u"),
}
"""Outcome -> class of the cell, and the letter in it."""


@dataclass(frozen=True)
class Cell:
    """One check of one subject: its gravest outcome, whether it changed, and its words."""

    check: str
    outcome: Outcome
    changed: bool
    title: str

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
    snippet: str


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
        shown.rows.append(_row(len(shown.rows), line, checks, changed))
    return shown


def _row(number: int, line: Mapping[str, Any], checks: Iterable[str], changed: set[str]) -> Row:
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
        answers=[_answer(result) for result in _worded(line["results"])],
        supports="; ".join(line.get("supports", [])),
        counts={o.value: sum(cell.outcome is o for cell in cells) for o in FINDINGS},
    )


def _cell(check: str, results: list[dict[str, Any]], changed: bool) -> Cell:
    outcomes = [Outcome(r["outcome"]) for r in results]
    outcome = worst(outcomes)
    title = next((r["message"] for r in results if Outcome(r["outcome"]) is outcome), "")
    return Cell(check, outcome, changed, title if outcome in FINDINGS else "")


def _worded(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    quiet = {Outcome.CONFORMS, Outcome.NOT_CLAIMED, Outcome.UNDRIVABLE}
    kept = [r for r in results if Outcome(r["outcome"]) not in quiet or r.get("feature")]
    return sorted(kept, key=lambda r: (-severity(Outcome(r["outcome"])), r["check"]))


def _answer(result: Mapping[str, Any]) -> Answer:
    outcome = Outcome(result["outcome"])
    parts = [("measured", "measured"), ("bound", "bound"), ("control", "torch's own")]
    numbers = [f"{word} {_short(result[k])}" for k, word in parts if result.get(k) is not None]
    numbers += [f"{axis}: {value}" for axis, value in (result.get("convention") or {}).items()]
    scenario = ", ".join(f"{k} = {v}" for k, v in (result.get("scenario") or {}).items())
    return Answer(
        check=result["check"],
        outcome=outcome.value,
        code=CODES[outcome][0],
        words=result["message"],
        number="; ".join(numbers),
        feature=result.get("feature", ""),
        expected=result.get("expected", ""),
        scenario=scenario,
        snippet=result.get("snippet", "") if outcome in FINDINGS else "",
    )


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
