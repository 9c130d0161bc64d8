"""What a picture and a table need, wherever they come from a file."""

from typing import Any

from lpfl.results.rules import (
    Rule,
    a_count,
    a_text,
    an_interval,
    list_of_numbers,
    object_with,
    one_of,
    or_null,
    row_of_texts,
    rows_of_texts,
)

_SCALE = one_of("linear", "log")
_TRUTH = one_of(True, False)


def picture_with(*styles: str) -> Rule:
    """Return the rule of a picture whose series are drawn in these styles."""
    series = object_with(
        {"name": a_text, "style": one_of(*styles), "x": list_of_numbers, "y": list_of_numbers},
        {"low": list_of_numbers, "high": list_of_numbers, "colour": a_count, "role": a_text},
    )
    needed = "a list of series {name, style, x, y} with lists of one length"

    def all_series(value: Any) -> str | None:
        if not isinstance(value, list | tuple):
            return needed
        for one in value:
            if (problem := series(one)) is not None:
                return f"{needed}: {problem}"
            lists = [one[key] for key in ("x", "y", "low", "high") if key in one]
            if len({len(numbers) for numbers in lists}) > 1 or ("low" in one) != ("high" in one):
                return needed
        return None

    return object_with(
        {"title": a_text, "x_label": a_text, "y_label": a_text, "series": all_series},
        {
            "x_scale": _SCALE,
            "y_scale": _SCALE,
            "note": or_null(a_text),
            "wide": _TRUTH,
            "direct": _TRUTH,
            "y_limits": or_null(an_interval),
        },
    )


_TABLE_FIELDS = object_with(
    {"title": a_text, "header": row_of_texts, "rows": rows_of_texts}, {"note": or_null(a_text)}
)


def table_of_texts(value: Any) -> str | None:
    """Return what a table of a check needs."""
    needed = "a table {title, header, rows} with rows as long as its header"
    if (problem := _TABLE_FIELDS(value)) is not None:
        return f"{needed}: {problem}"
    return None if {len(row) for row in value["rows"]} == {len(value["header"])} else needed
