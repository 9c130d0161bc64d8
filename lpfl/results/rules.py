"""The rules of single fields: what a value of a results file needs, or that it is fine."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

MOST_TABLE_ROWS, MOST_TABLE_COLUMNS = 60, 12
CLAIM_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")

Rule = Callable[[Any], str | None]
"""Returns what was needed, or None if the value is fine."""


def a_text(value: Any) -> str | None:
    return None if isinstance(value, str) else "a text"


def a_number(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "a finite number"
    try:
        return None if math.isfinite(value) else "a finite number"
    except OverflowError:
        return "a finite number"


def at_least_zero(value: Any) -> str | None:
    return None if a_number(value) is None and value >= 0 else "a finite number >= 0"


def a_probability(value: Any) -> str | None:
    return None if a_number(value) is None and 0 <= value <= 1 else "a number in [0, 1]"


def a_count(value: Any) -> str | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return None if whole and value >= 0 and a_number(value) is None else "a whole number >= 0"


def a_whole_number(value: Any) -> str | None:
    return None if isinstance(value, int) and not isinstance(value, bool) else "a whole number"


def an_object(value: Any) -> str | None:
    named = isinstance(value, Mapping) and all(isinstance(key, str) for key in value)
    return None if named else "an object"


def object_of_texts(value: Any) -> str | None:
    strings = isinstance(value, Mapping) and all(
        isinstance(k, str) and isinstance(v, str) for k, v in value.items()
    )
    return None if strings else "an object of texts"


def a_claim_id(value: Any) -> str | None:
    fits = isinstance(value, str) and CLAIM_ID.fullmatch(value)
    return None if fits else "a claim id such as LR-01"


def claim_ids(value: Any) -> str | None:
    listed = isinstance(value, list | tuple) and all(a_claim_id(v) is None for v in value)
    return None if listed and len(set(value)) == len(value) else "a list of different claim ids"


def one_of(*allowed: Any) -> Rule:
    def rule(value: Any) -> str | None:
        return None if any(value == a and type(value) is type(a) for a in allowed) else needed

    needed = f"one of {list(allowed)}" if len(allowed) > 1 else repr(allowed[0])
    return rule


def or_null(rule: Rule) -> Rule:
    def either(value: Any) -> str | None:
        needed = None if value is None else rule(value)
        return None if needed is None else f"{needed}, or null"

    return either


def list_of_numbers(value: Any) -> str | None:
    listed = isinstance(value, list | tuple) and all(a_number(v) is None for v in value)
    return None if listed else "a list of finite numbers"


def an_interval(value: Any) -> str | None:
    ordered = list_of_numbers(value) is None and len(value) == 2 and value[0] <= value[1]
    return None if ordered else "two numbers [low, high]"


def list_of(rule: Rule) -> Rule:
    """Return the rule of a list whose every entry fits ``rule``."""

    def listed(value: Any) -> str | None:
        if not isinstance(value, list | tuple):
            return "a list"
        problems = ((number, rule(one)) for number, one in enumerate(value))
        return next((f"in entry {n} {needed}" for n, needed in problems if needed), None)

    return listed


def row_of_texts(value: Any) -> str | None:
    listed = isinstance(value, list | tuple) and all(a_text(v) is None for v in value)
    few = listed and 1 <= len(value) <= MOST_TABLE_COLUMNS
    return None if few else f"a list of 1 to {MOST_TABLE_COLUMNS} texts"


def rows_of_texts(value: Any) -> str | None:
    listed = isinstance(value, list | tuple) and all(row_of_texts(v) is None for v in value)
    few = listed and 1 <= len(value) <= MOST_TABLE_ROWS
    return None if few else f"a list of 1 to {MOST_TABLE_ROWS} rows of texts"


def object_with(rules: Mapping[str, Rule], optional: Mapping[str, Rule]) -> Rule:
    def rule(value: Any) -> str | None:
        if an_object(value) is not None:
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
            return f"{name}={in_short(record[name])}, needs {needed}"
    for name, rule in optional.items():
        if name in record and (needed := rule(record[name])) is not None:
            return f"{name}={in_short(record[name])}, needs {needed}"
    return None


def in_short(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer with more digits than Python agrees to print
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else text[:77] + "..."
