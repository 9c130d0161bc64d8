"""The observations of a claim on its page: the refuted and the open ones, scenarios by number."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lpfl.report.numerals import flat, short
from lpfl.report.prose import part_words, typeset

MOST_ROWS = 12
DITTO = "″"
_SEVERITY = {"refuted": 0, "inconclusive": 1, "confirmed": 2}
Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Rows refer to a scenario by its number; what all scenarios share is said once.

    total: of all observations. shared: (field, value). columns: the other fields. scenarios: a
    number, then a value a column, of those that rows refer to. rows: outcome, part, number of the
    scenario, predicted, measured, margin, replicates, detail (a ditto mark where it is that of the
    row above). rows_left_out: of the refuted and open ones, how many are in the file alone.
    """

    total: int = 0
    shared: list[tuple[str, str]] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    scenarios: list[list[str]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    rows_left_out: int = 0
    has_details: bool = False


def observed(observations: Sequence[Record]) -> Observed:
    """Return what the page shows of ``observations``."""
    chosen = [o for o in by_severity(observations) if o["outcome"] != "confirmed"]
    shown = chosen[:MOST_ROWS]
    if not shown:
        return Observed(total=len(observations))
    numbers = scenario_numbers(observations)
    by_number = {numbers[_key(o["scenario"])]: o["scenario"] for o in observations}
    fields = {number: dict(flat(scenario)) for number, scenario in by_number.items()}
    names = [name for name in dict.fromkeys(n for one in fields.values() for n in one)
             if not _left_out(name, fields)]  # fmt: skip
    seen = {name: {one.get(name) for one in fields.values()} for name in names}
    columns = [name for name in names if len(seen[name]) > 1]
    listed = sorted({numbers[_key(o["scenario"])] for o in shown})
    first = fields[min(fields)]
    return Observed(
        total=len(observations),
        shared=[(name, first[name]) for name in names if len(seen[name]) == 1],
        columns=columns,
        scenarios=[[str(n), *(fields[n].get(name, "") for name in columns)] for n in listed],
        rows=_dittoed([_row(o, numbers[_key(o["scenario"])]) for o in shown]),
        rows_left_out=len(chosen) - len(shown),
        has_details=any(o["detail"] for o in shown),
    )


def scenario_numbers(observations: Sequence[Record]) -> dict[str, int]:
    """Return the number of each scenario, from 1, in the order of the file."""
    keys = dict.fromkeys(_key(o["scenario"]) for o in observations)
    return {key: number for number, key in enumerate(keys, start=1)}


def number_of(scenario: Record, observations: Sequence[Record]) -> int | None:
    """Return the number of ``scenario``, or None if no observation was made on it."""
    return scenario_numbers(observations).get(_key(scenario))


def by_severity(observations: Sequence[Record]) -> list[Record]:
    """Return the observations, refuted ones first, then inconclusive ones; nearest to the limit."""
    return sorted(observations, key=lambda o: (_SEVERITY[o["outcome"]], -o["statistic"]))


def _left_out(name: str, fields: Mapping[int, Mapping[str, str]]) -> bool:
    """Say whether a field is a seed of its own, or repeats the dimension of the inputs."""
    if name.endswith("seed"):
        return True
    same = all(one.get(name) == one.get("input_dim") for one in fields.values())
    return name == "covariance.dim" and same


def _key(scenario: Record) -> str:
    return json.dumps(scenario, sort_keys=True)


def _row(o: Record, number: int) -> list[str]:
    values = [short(o[key]) for key in ("predicted", "measured", "margin")]
    words = [o["outcome"], typeset(part_words(o["part"])), str(number)]
    return [*words, *values, short(o["replicates"]), _cut(typeset(o["detail"]))]


def _dittoed(rows: list[list[str]]) -> list[list[str]]:
    """Return the rows with a ditto mark for a detail that the row above has too."""
    above = ["", *(row[-1] for row in rows)]
    return [
        [*row[:-1], DITTO] if row[-1] and row[-1] == before else row
        for row, before in zip(rows, above, strict=False)
    ]


def _cut(text: str, length: int = 100) -> str:
    text = text.removeprefix("tolerance: ")
    return text if len(text) <= length else text[: length - 1] + "…"
