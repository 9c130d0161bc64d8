"""The page of a sweep past a domain: the statistic against the axis, and a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from lpfl.report.html import render
from lpfl.report.numerals import flat, short
from lpfl.report.pictures import picture

NOTE = (
    "1 is the limit of each part, with its interval. The vertical lines are the ends of the range "
    "that the claim is drawn from; points beyond them are no verdict."
)
LEAST_STATISTIC = 1e-3  # exact parts lie far below any axis
_MOST_PARTS = 9
HEADER = (
    *("in the space", "outcome", "deciding part", "predicted", "measured", "statistic"),
    "what does not hold",
)

Point = Mapping[str, Any]


def sweep_page(record: Mapping[str, Any], *, title: str, says: str, command: str) -> str:
    """Return the page of one sweep."""
    data = sweep_picture(record)
    origin = ("lpfl_version", "seed", "device", "dtype")
    return render(
        "sweep.html.jinja",
        title=f"{record['claim']} past the ends of {_spoken(record['axis'])}: {title}",
        says=says,
        summary=record["summary"],
        caption=data["title"],
        chart=picture(data),
        note=NOTE,
        table=_table(record),
        facts=[(name.replace("_", " "), record[name]) for name in origin] + flat(record["base"]),
        command=command,
    )


def sweep_picture(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the picture: one series per part, and the edges of the drawn range."""
    points: Sequence[Point] = record["points"]
    named = [part for point in points for part in point["parts"]]
    parts = list(dict.fromkeys(named))[:_MOST_PARTS]
    series: list[dict[str, Any]] = []
    for part in parts:
        at = [point for point in points if part in point["parts"]]
        series.append(
            {
                "name": part.replace("_", " "),
                "style": "points",
                "x": [point["value"] for point in at],
                "y": [max(point["parts"][part], LEAST_STATISTIC) for point in at],
            }
        )
    tried = [point["value"] for point in points]
    heights = [1.0, LEAST_STATISTIC, *(y for one in series for y in one["y"])]
    edge = {"style": "line", "y": [min(heights), max(heights)], "colour": _MOST_PARTS}
    series.append(
        {"name": "limit", "style": "line", "x": [min(tried), max(tried)], "y": [1.0, 1.0]}
    )
    for number, value in enumerate(record["edges"]):
        more = {"role": "prediction"} if number else {}
        series.append({"name": "ends of the range", **edge, **more, "x": [value, value]})
    return {
        "title": f"How near each part of {record['claim']} comes to its limit",
        "x_label": _spoken(record["axis"]),
        "y_label": "statistic, 1 is the limit",
        "x_scale": "log" if record["log"] else "linear",
        "y_scale": "log",
        "wide": True,
        "series": series,
    }


def _table(record: Mapping[str, Any]) -> dict[str, Any]:
    header = [_spoken(record["axis"]), *HEADER]
    rows = [
        [
            short(point["value"]),
            "yes" if point["inside"] else "no",
            point["outcome"],
            point["part"].replace("_", " "),
            short(point["predicted"]),
            short(point["measured"]),
            short(point["statistic"], 3),
            "; ".join([*point["outside"], *([point["detail"]] if point["detail"] else [])]) or "—",
        ]
        for point in record["points"]
    ]
    return {
        "title": "Every value that was tried",
        "header": header,
        "numeric": [True, False, False, False, True, True, True, False],
        "rows": rows,
        "note": "",
    }


def _spoken(name: str) -> str:
    return "condition number" if name == "covariance" else str(name).replace("_", " ")
