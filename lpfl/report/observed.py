"""The observations of a claim on its page: scenarios by number, and the few rows that matter."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lpfl.report.numerals import flat, short

MOST_ROWS = 12  # fewer than scenarios, so that every number in a row is listed
MOST_SCENARIOS = 24
_SEVERITY = {"refuted": 0, "inconclusive": 1, "confirmed": 2}
Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Rows refer to a scenario by its number; what all scenarios share is said once.

    shared: (field, value). columns: the other fields. scenarios: a number, then a value a column.
    rows: outcome, part, number of the scenario, predicted, measured, statistic, margin,
    replicates, detail. The two counts say how many rows and scenarios are in the file alone.
    """

    shared: list[tuple[str, str]] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    scenarios: list[list[str]] = field(default_factory=list)
    scenarios_left_out: int = 0
    rows: list[list[str]] = field(default_factory=list)
    rows_left_out: int = 0
    has_details: bool = False


def observed(observations: Sequence[Record], worst: Record | None = None) -> Observed:
    """Return what the page shows of ``observations``; ``worst`` is the deciding scenario."""
    numbers = scenario_numbers(observations)
    by_number = {numbers[_key(o["scenario"])]: o["scenario"] for o in observations}
    chosen = nearest(observations)
    shown = chosen[:MOST_ROWS]
    referred = {numbers[_key(o["scenario"])] for o in shown}
    referred |= {numbers[_key(worst)]} if worst and _key(worst) in numbers else set()
    fields = {number: dict(flat(scenario)) for number, scenario in by_number.items()}
    names = list(dict.fromkeys(name for one in fields.values() for name in one))
    seen = {name: {one.get(name) for one in fields.values()} for name in names}
    columns = [name for name in names if len(seen[name]) > 1]
    listed = sorted(referred)[:MOST_SCENARIOS]
    first = fields[min(fields)] if fields else {}
    return Observed(
        shared=[(name, first[name]) for name in names if len(seen[name]) == 1],
        columns=columns,
        scenarios=[[str(n), *(fields[n].get(name, "") for name in columns)] for n in listed],
        scenarios_left_out=len(fields) - len(listed),
        rows=[_row(o, numbers[_key(o["scenario"])]) for o in shown],
        rows_left_out=len(observations) - len(shown),
        has_details=any(o["detail"] for o in shown),
    )


def scenario_numbers(observations: Sequence[Record]) -> dict[str, int]:
    """Return the number of each scenario, from 1, in the order of the file."""
    keys = dict.fromkeys(_key(o["scenario"]) for o in observations)
    return {key: number for number, key in enumerate(keys, start=1)}


def number_of(scenario: Record, observations: Sequence[Record]) -> int | None:
    """Return the number of ``scenario``, or None if no observation was made on it."""
    return scenario_numbers(observations).get(_key(scenario))


def nearest(observations: Sequence[Record]) -> list[Record]:
    """Return the refuted, the inconclusive, and of each part the one nearest to its limit."""
    ordered = sorted(observations, key=lambda o: (_SEVERITY[o["outcome"]], -o["statistic"]))
    chosen, parts = [], set()
    for o in ordered:
        if o["outcome"] != "confirmed" or o["part"] not in parts:
            chosen.append(o)
        parts.add(o["part"])
    return chosen


def _key(scenario: Record) -> str:
    return json.dumps(scenario, sort_keys=True)


def _row(o: Record, number: int) -> list[str]:
    values = [short(o[key]) for key in ("predicted", "measured", "statistic", "margin")]
    words = [o["outcome"], o["part"], str(number)]
    return [*words, *values, short(o["replicates"]), _cut(o["detail"])]


def _cut(text: str, length: int = 160) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
