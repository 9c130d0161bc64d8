"""The lines of a results file: which fields each has and what each may hold.

Nothing read from a file is trusted: a record that passes :func:`check_record` has every field
of its type, with finite numbers, and nothing else is promised.
"""

from typing import Any

from lpfl.results.drawn import picture_with, table_of_texts
from lpfl.results.rules import (
    Rule,
    a_claim_id,
    a_count,
    a_number,
    a_probability,
    a_text,
    a_whole_number,
    an_interval,
    an_object,
    at_least_zero,
    claim_ids,
    first_problem,
    in_short,
    list_of_numbers,
    object_of_texts,
    object_with,
    one_of,
    or_null,
)

SCHEMA_VERSION = 2
KINDS = ("identity", "bound", "bound_whp", "law", "limit", "rate", "ordering")
OUTCOMES = ("confirmed", "refuted", "inconclusive")
VERDICTS = (*OUTCOMES, "error")
NOT_CONFRONTED = "not confronted"
BEYOND = "beyond"  # a sweep past a domain: a file of its own kind, which nothing counts


_WORST = object_with(
    {},
    {
        "scenario": or_null(an_object),
        "part": or_null(a_text),
        "predicted": or_null(a_number),
        "measured": or_null(a_number),
        "detail": or_null(a_text),
    },
)
_HEADER: dict[str, Rule] = {
    "schema_version": one_of(SCHEMA_VERSION),
    "lpfl_version": a_text,
    "profile": a_text,
    "seed": a_whole_number,
    "device": a_text,
    "dtype": a_text,
    "threads": a_count,
    "versions": object_of_texts,
    "claims": claim_ids,
    "alpha_total": a_probability,
}
_HEADER_OPTIONAL: dict[str, Rule] = {
    "device_name": a_text,
    "started": a_text,
    "broken_packs": object_of_texts,
    "scenario": an_object,
}
_SHARED: dict[str, Rule] = {
    "claim": a_claim_id,
    "kind": one_of(*KINDS),
    "statistic": a_number,
    "margin": a_number,
    "margin_std_error": at_least_zero,
    "alpha": a_probability,
    "detectable": or_null(at_least_zero),
    "samples_needed": or_null(a_count),
    "replicates": a_count,
}


def _if_wrong(value: Any) -> str | None:
    needed = "an object of counts {share: {outcome: count}}"
    if an_object(value) is not None:
        return needed
    counts = object_with(dict.fromkeys(OUTCOMES, a_count), {})
    return None if all(counts(row) is None for row in value.values()) else needed


def region_rule(value: Any) -> str | None:
    needed = "an object of ranges [low, high] or lists of texts"
    if an_object(value) is not None:
        return needed
    for field in value.values():
        ranged = list_of_numbers(field) is None and len(field) == 2 and field[0] <= field[1]
        if not ranged and not (isinstance(field, list) and all(a_text(v) is None for v in field)):
            return needed
    return None


_PART = object_with(
    {"kind": one_of(*KINDS), "outcome": one_of(*OUTCOMES, NOT_CONFRONTED)},
    {
        "scenarios": a_count,
        "predicted": or_null(a_number),
        "measured": or_null(a_number),
        "statistic": a_number,
        "margin": a_number,
        "margin_std_error": at_least_zero,
        "if_wrong": _if_wrong,
    },
)
PART_NUMBERS = ("statistic", "margin", "margin_std_error")


def parts_rule(value: Any) -> str | None:
    """Return what the parts of a claim need: all three numbers of a part, or none of them."""
    if an_object(value) is not None:
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
    "part": a_text,
    "scenario": an_object,
    "outcome": one_of(*OUTCOMES),
    "predicted": or_null(a_number),
    "measured": or_null(a_number),
    "tolerance": or_null(a_number),
    "detail": a_text,
}
_OBSERVATION_OPTIONAL: dict[str, Rule] = {
    "picture": or_null(picture_with("line", "points")),
    "table": or_null(table_of_texts),
    "interval": an_interval,
    "rival": object_with({"name": a_text, "value": a_number}, {}),
}
_CLAIM: dict[str, Rule] = {
    **_SHARED,
    "verdict": one_of(*VERDICTS),
    "scenarios": a_count,
    "worst": _WORST,
    "seconds": at_least_zero,
}
_ERROR_CLAIM = _CLAIM | {
    name: or_null(_CLAIM[name]) for name in ("statistic", "margin", "margin_std_error", "alpha")
}


def check_record(record: Any) -> str | None:
    """Return what is wrong with one line (parsed JSON), naming field, value and bound; or None.

    Fields that the schema does not name are allowed and ignored. In a claim line with the verdict
    "error" the statistic and the margin may be null: nothing was measured.
    """
    if an_object(record) is not None:
        return f"expected an object with a 'type', got {in_short(record)}"
    kind = record.get("type")
    if kind == "header":
        return first_problem(record, _HEADER, _HEADER_OPTIONAL)
    if kind == "observation":
        return first_problem(record, _OBSERVATION, _OBSERVATION_OPTIONAL)
    if kind == "claim":
        return first_problem(
            record,
            _ERROR_CLAIM if record.get("verdict") == "error" else _CLAIM,
            {"parts": parts_rule, "region": region_rule},
        )
    if kind == BEYOND:
        return "a sweep past the domain of a claim is no verdict, needs a run of 'lpfl verify'"
    return f"type={in_short(kind)}, needs 'header', 'observation' or 'claim'"


def rules_of_baseline() -> tuple[dict[str, Rule], dict[str, Rule]]:
    """Return the rules of a baseline's own fields and those of each of its claims."""
    own = {name: _HEADER[name] for name in ("lpfl_version", "profile", "seed", "device", "dtype")}
    names = ("verdict", "margin", "margin_std_error", "statistic")
    return own | {"claims": an_object}, {name: _CLAIM[name] for name in names}
