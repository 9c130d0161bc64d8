"""The lines of a survey's file: which fields each has and what each may hold."""

from collections.abc import Mapping
from typing import Any

from lpfl.conformance.outcomes import Outcome
from lpfl.results.rules import (
    Rule,
    a_number,
    a_text,
    an_object,
    first_problem,
    list_of,
    object_of_texts,
    object_with,
    one_of,
    or_null,
)

JUDGED = "judged"


def _text_or_number(value: Any) -> str | None:
    fits = isinstance(value, str) or a_number(value) is None
    return None if fits else "a text or a finite number"


def _packages(value: Any) -> str | None:
    named = an_object(value) is None and all(or_null(a_text)(v) is None for v in value.values())
    return None if named else "an object of versions"


_RESULT = object_with(
    {"check": a_text, "outcome": one_of(*(outcome.value for outcome in Outcome))},
    {
        "message": a_text,
        "measured": or_null(_text_or_number),
        "bound": or_null(_text_or_number),
        "control": or_null(_text_or_number),
        "scenario": or_null(an_object),
        "convention": or_null(an_object),
        "feature": a_text,
        "snippet": a_text,
        "expected": a_text,
        "stale": one_of(True, False),
    },
)
_HEADER: dict[str, Rule] = {
    "lpfl_version": a_text,
    "python": a_text,
    "started": a_text,
    "quick": one_of(True, False),
    "packages": _packages,
    "checks": object_of_texts,
}
_SUBJECT: dict[str, Rule] = {"subject": a_text, "status": a_text, "results": list_of(_RESULT)}
_OPTIONAL: dict[str, Rule] = {
    "version": or_null(a_text),
    "reason": a_text,
    "package": a_text,
    "claims": list_of(a_text),
    "supports": list_of(a_text),
    "source": a_text,
    "seconds": a_number,
    "cpu_seconds": a_number,
}
_NEEDED: dict[str, Rule] = {name: _OPTIONAL[name] for name in ("package", "version", "claims")}


def problem_of_header(record: Mapping[str, Any]) -> str | None:
    """Return the first field of a survey's header that is at fault, or None."""
    return first_problem(record, _HEADER, {})


def problem_of_subject(record: Mapping[str, Any]) -> str | None:
    """Return the first field of a subject's line that is at fault, or None."""
    judged = record.get("status") == JUDGED
    needed = _NEEDED if judged else {"reason": a_text}
    return first_problem(record, {**_SUBJECT, **needed}, _OPTIONAL)
