"""The lines of a results file: which fields each has and what each may hold.

Nothing read from a file is trusted: a record that passes :func:`check_record` has every field
of its type, with finite numbers, and nothing else is promised.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

SCHEMA_VERSION = 2
KINDS = ("identity", "bound", "bound_whp", "law", "limit", "rate", "ordering")
OUTCOMES = ("confirmed", "refuted", "inconclusive")
VERDICTS = (*OUTCOMES, "error")
NOT_CONFRONTED = "not confronted"
MOST_TABLE_ROWS, MOST_TABLE_COLUMNS = 60, 12
CLAIM_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")

Rule = Callable[[Any], str | None]
"""Returns what was needed, or None if the value is fine."""


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) else "a text"


def _number(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "a finite number"
    try:
        return None if math.isfinite(value) else "a finite number"
    except OverflowError:
        return "a finite number"


def _at_least_zero(value: Any) -> str | None:
    return None if _number(value) is None and value >= 0 else "a finite number >= 0"


def _probability(value: Any) -> str | None:
    return None if _number(value) is None and 0 <= value <= 1 else "a number in [0, 1]"


def _count(value: Any) -> str | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return None if whole and value >= 0 and _number(value) is None else "a whole number >= 0"


def _whole(value: Any) -> str | None:
    return None if isinstance(value, int) and not isinstance(value, bool) else "a whole number"


def _mapping(value: Any) -> str | None:
    named = isinstance(value, Mapping) and all(isinstance(key, str) for key in value)
    return None if named else "an object"


def _texts(value: Any) -> str | None:
    strings = isinstance(value, Mapping) and all(
        isinstance(k, str) and isinstance(v, str) for k, v in value.items()
    )
    return None if strings else "an object of texts"


def _claim_id(value: Any) -> str | None:
    fits = isinstance(value, str) and CLAIM_ID.fullmatch(value)
    return None if fits else "a claim id such as LR-01"


def _claim_ids(value: Any) -> str | None:
    listed = isinstance(value, list | tuple) and all(_claim_id(v) is None for v in value)
    return None if listed and len(set(value)) == len(value) else "a list of different claim ids"


def _one_of(*allowed: Any) -> Rule:
    def rule(value: Any) -> str | None:
        return None if any(value == a and type(value) is type(a) for a in allowed) else needed

    needed = f"one of {list(allowed)}" if len(allowed) > 1 else repr(allowed[0])
    return rule


def _or_null(rule: Rule) -> Rule:
    def either(value: Any) -> str | None:
        needed = None if value is None else rule(value)
        return None if needed is None else f"{needed}, or null"

    return either


def _numbers(value: Any) -> str | None:
    listed = isinstance(value, list | tuple) and all(_number(v) is None for v in value)
    return None if listed else "a list of finite numbers"


def _row(value: Any) -> str | None:
    listed = isinstance(value, list | tuple) and all(_text(v) is None for v in value)
    few = listed and 1 <= len(value) <= MOST_TABLE_COLUMNS
    return None if few else f"a list of 1 to {MOST_TABLE_COLUMNS} texts"


def _rows(value: Any) -> str | None:
    listed = isinstance(value, list | tuple) and all(_row(v) is None for v in value)
    few = listed and 1 <= len(value) <= MOST_TABLE_ROWS
    return None if few else f"a list of 1 to {MOST_TABLE_ROWS} rows of texts"


def _fields(rules: Mapping[str, Rule], optional: Mapping[str, Rule]) -> Rule:
    def rule(value: Any) -> str | None:
        if _mapping(value) is not None:
            return "an object"
        return first_problem(value, rules, optional)

    return rule


def first_problem(
    record: Mapping[str, Any], rules: Mapping[str, Rule], optional: Mapping[str, Rule]
) -> str | None:
    """Return the first field at fault, its value and what it needs; None if there is none."""
    for name, rule in rules.items():
        if name not in record:
            return f"field {name!r} is missing"
        if (needed := rule(record[name])) is not None:
            return f"{name}={_short(record[name])}, needs {needed}"
    for name, rule in optional.items():
        if name in record and (needed := rule(record[name])) is not None:
            return f"{name}={_short(record[name])}, needs {needed}"
    return None


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer with more digits than Python agrees to print
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else text[:77] + "..."


def _series(value: Any) -> str | None:
    needed = "a list of series {name, style, x, y} with lists of one length"
    if not isinstance(value, list | tuple):
        return needed
    one = _fields(
        {"name": _text, "style": _one_of("line", "points"), "x": _numbers, "y": _numbers},
        {"low": _numbers, "high": _numbers},
    )
    for series in value:
        if (problem := one(series)) is not None:
            return f"{needed}: {problem}"
        lists = [series[key] for key in ("x", "y", "low", "high") if key in series]
        if len({len(numbers) for numbers in lists}) > 1 or ("low" in series) != ("high" in series):
            return needed
    return None


_SCALE = _one_of("linear", "log")
_PICTURE = _fields(
    {"title": _text, "x_label": _text, "y_label": _text, "series": _series},
    {"x_scale": _SCALE, "y_scale": _SCALE, "note": _or_null(_text)},
)
_TABLE_FIELDS = _fields({"title": _text, "header": _row, "rows": _rows}, {"note": _or_null(_text)})


def _table(value: Any) -> str | None:
    needed = "a table {title, header, rows} with rows as long as its header"
    if (problem := _TABLE_FIELDS(value)) is not None:
        return f"{needed}: {problem}"
    return None if {len(row) for row in value["rows"]} == {len(value["header"])} else needed


_WORST = _fields(
    {},
    {
        "scenario": _or_null(_mapping),
        "part": _or_null(_text),
        "predicted": _or_null(_number),
        "measured": _or_null(_number),
        "detail": _or_null(_text),
    },
)
_HEADER: dict[str, Rule] = {
    "schema_version": _one_of(SCHEMA_VERSION),
    "lpfl_version": _text,
    "profile": _text,
    "seed": _whole,
    "device": _text,
    "dtype": _text,
    "threads": _count,
    "versions": _texts,
    "claims": _claim_ids,
    "alpha_total": _probability,
}
_HEADER_OPTIONAL: dict[str, Rule] = {
    "device_name": _text,
    "started": _text,
    "broken_packs": _texts,
    "scenario": _mapping,
}
_SHARED: dict[str, Rule] = {
    "claim": _claim_id,
    "kind": _one_of(*KINDS),
    "statistic": _number,
    "margin": _number,
    "margin_std_error": _at_least_zero,
    "alpha": _probability,
    "detectable": _or_null(_at_least_zero),
    "samples_needed": _or_null(_count),
    "replicates": _count,
}


def _if_wrong(value: Any) -> str | None:
    needed = "an object of counts {share: {outcome: count}}"
    if _mapping(value) is not None:
        return needed
    counts = _fields(dict.fromkeys(OUTCOMES, _count), {})
    return None if all(counts(row) is None for row in value.values()) else needed


def region_rule(value: Any) -> str | None:
    needed = "an object of ranges [low, high] or lists of texts"
    if _mapping(value) is not None:
        return needed
    for field in value.values():
        ranged = _numbers(field) is None and len(field) == 2 and field[0] <= field[1]
        if not ranged and not (isinstance(field, list) and all(_text(v) is None for v in field)):
            return needed
    return None


_PART = _fields(
    {"kind": _one_of(*KINDS), "outcome": _one_of(*OUTCOMES, NOT_CONFRONTED)},
    {
        "scenarios": _count,
        "predicted": _or_null(_number),
        "measured": _or_null(_number),
        "statistic": _number,
        "margin": _number,
        "margin_std_error": _at_least_zero,
        "if_wrong": _if_wrong,
    },
)
PART_NUMBERS = ("statistic", "margin", "margin_std_error")


def parts_rule(value: Any) -> str | None:
    """Return what the parts of a claim need: all three numbers of a part, or none of them."""
    if _mapping(value) is not None:
        return "an object of parts"
    for name, part in value.items():
        if (problem := _PART(part)) is not None:
            return f"an object of parts: {name}: {problem}"
        numbers = sum(key in part for key in PART_NUMBERS)
        if numbers != (0 if part["outcome"] == NOT_CONFRONTED else len(PART_NUMBERS)):
            return f"an object of parts: {name}: {', '.join(PART_NUMBERS)}, unless not confronted"
    return None


_OBSERVATION: dict[str, Rule] = {
    **_SHARED,
    "part": _text,
    "scenario": _mapping,
    "outcome": _one_of(*OUTCOMES),
    "predicted": _or_null(_number),
    "measured": _or_null(_number),
    "tolerance": _or_null(_number),
    "detail": _text,
}
_CLAIM: dict[str, Rule] = {
    **_SHARED,
    "verdict": _one_of(*VERDICTS),
    "scenarios": _count,
    "worst": _WORST,
    "seconds": _at_least_zero,
}
_ERROR_CLAIM = _CLAIM | {
    name: _or_null(_CLAIM[name]) for name in ("statistic", "margin", "margin_std_error", "alpha")
}


def check_record(record: Any) -> str | None:
    """Return what is wrong with one line (parsed JSON), naming field, value and bound; or None.

    Fields that the schema does not name are allowed and ignored. In a claim line with the verdict
    "error" the statistic and the margin may be null: nothing was measured.
    """
    if _mapping(record) is not None:
        return f"expected an object with a 'type', got {_short(record)}"
    kind = record.get("type")
    if kind == "header":
        return first_problem(record, _HEADER, _HEADER_OPTIONAL)
    if kind == "observation":
        optional = {"picture": _or_null(_PICTURE), "table": _or_null(_table)}
        return first_problem(record, _OBSERVATION, optional)
    if kind == "claim":
        return first_problem(
            record,
            _ERROR_CLAIM if record.get("verdict") == "error" else _CLAIM,
            {"parts": parts_rule, "region": region_rule},
        )
    return f"type={_short(kind)}, needs 'header', 'observation' or 'claim'"


def rules_of_baseline() -> tuple[dict[str, Rule], dict[str, Rule]]:
    """Return the rules of a baseline's own fields and those of each of its claims."""
    own = {name: _HEADER[name] for name in ("lpfl_version", "profile", "seed", "device", "dtype")}
    names = ("verdict", "margin", "margin_std_error", "statistic")
    return own | {"claims": _mapping}, {name: _CLAIM[name] for name in names}
