"""Results of experiments read from files: nothing in them is trusted."""

from collections.abc import Mapping
from typing import Any

from lpfl.experiments.core.experiment import ExperimentResult, Options, Section, Table
from lpfl.results.drawn import picture_with
from lpfl.results.rules import (
    Rule,
    a_number,
    a_text,
    a_whole_number,
    at_least_zero,
    first_problem,
    list_of,
    object_of_texts,
    object_with,
    one_of,
    or_null,
)


def _cell(value: Any) -> str | None:
    fits = value is None or isinstance(value, bool | str) or a_number(value) is None
    return None if fits else "a text, a finite number or null"


def _pair(value: Any) -> str | None:
    fits = isinstance(value, list | tuple) and len(value) == 2
    return None if fits and all(isinstance(one, str) for one in value) else "two texts"


_TABLE_FIELDS = object_with(
    {"header": list_of(a_text), "rows": list_of(list_of(_cell)), "title": a_text, "note": a_text},
    {},
)


def _table(value: Any) -> str | None:
    if (problem := _TABLE_FIELDS(value)) is not None:
        return f"a table {{title, header, rows, note}}: {problem}"
    long = all(len(row) == len(value["header"]) > 0 for row in value["rows"])
    return None if long else "rows as long as the header"


_SECTION: dict[str, Rule] = {
    "title": a_text,
    "finding": a_text,
    "text": list_of(a_text),
    "pictures": list_of(picture_with("line", "points", "bars")),
    "tables": list_of(_table),
}
_OPTIONS = object_with(
    {"scale": a_text, "seeds": or_null(a_whole_number), "seed": a_whole_number, "device": a_text},
    {},
)
_RESULT: dict[str, Rule] = {
    "name": a_text,
    "title": a_text,
    "says": a_text,
    "settings": list_of(_pair),
    "sections": list_of(object_with(_SECTION, {})),
    "options": _OPTIONS,
    "seconds": at_least_zero,
}
_RESULT_OPTIONAL: dict[str, Rule] = {
    "complete": one_of(True, False),
    "versions": object_of_texts,
    "paper": object_of_texts,
}


def sections_from_json(values: Any) -> list[Section]:
    """Return the sections that ``asdict`` made; ValueError naming what does not fit."""
    problem = first_problem({"sections": values}, {"sections": _RESULT["sections"]}, {})
    if problem is not None:
        raise ValueError(problem)
    try:
        return [
            Section(**{**section, "tables": [Table(**table) for table in section["tables"]]})
            for section in values
        ]
    except TypeError as error:
        raise ValueError(f"a section does not fit: {error}") from None


def result_from_json(fields: Mapping[str, Any]) -> ExperimentResult:
    """Return the result that ``as_json`` wrote.

    Raises: ValueError if a field is missing, unknown or of the wrong shape.
    """
    problem = object_with(_RESULT, _RESULT_OPTIONAL)(fields)
    if problem is not None:
        raise ValueError(f"experiment result does not fit: {problem}")
    try:
        settings = [(subject, choice) for subject, choice in fields["settings"]]
        options = Options(**fields["options"])
        sections = sections_from_json(fields["sections"])
        known = {**fields, "sections": sections, "settings": settings, "options": options}
        return ExperimentResult(**known)
    except TypeError as error:
        raise ValueError(f"experiment result does not fit: {error}") from None
