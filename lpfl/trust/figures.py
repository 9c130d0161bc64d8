"""Pictures of a calibration, as SVG files that need nothing else."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

STYLE = (
    "svg{font:12px sans-serif;background:#fff;color:#222}.grid{stroke:#ddd;fill:none}"
    ".axis{stroke:#444;fill:none}.tick,.label{fill:#333}.middle{text-anchor:middle}"
    ".end{text-anchor:end}path,polyline{fill:none;stroke:#1f5fa8}polygon,.band{fill:#cfe0f3;"
    "stroke:none}circle,rect{fill:#1f5fa8;stroke:none}"
)
INSIDE = 0.95


def write_figures(folder: Path, found: Mapping[str, Any]) -> list[Path]:
    """Write the pictures of ``found`` (calibration.json) into ``folder``; return their paths.

    Raises ValueError if a file cannot be written.
    """
    from lpfl.report.pictures import picture
    from lpfl.results.store import write_atomically

    pictures = {"margins": margins_picture(found)}
    if found["sorted_p_values"]:
        pictures["p_values"] = p_values_picture(found["sorted_p_values"])
    written = []
    for name, data in pictures.items():
        path = folder / f"{name}.svg"
        write_atomically(path, standalone(str(picture(data))) + "\n")
        written.append(path)
    return written


def standalone(drawing: str) -> str:
    """Return the drawing with a name space and a style of its own."""
    opened = drawing.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    head, mark, rest = opened.partition(">")
    return f"{head}{mark}<style>{STYLE}</style>{rest}"


def p_values_picture(values: Sequence[float]) -> dict[str, Any]:
    """Return the share of p-values below each level, with the band of a uniform law."""
    from scipy import stats

    count = len(values)
    places = sorted({round(i * (count - 1) / 100) for i in range(101)})
    shares = [(i + 1) / count for i in places]
    tail = (1.0 - INSIDE) / 2.0
    laws = [stats.beta(i + 1, count - i) for i in places]
    return {
        "title": "p-values of true statements",
        "x_label": "share of p-values expected below (uniform law)",
        "y_label": "p-value",
        "series": [
            {
                "name": f"{count} p-values",
                "style": "line",
                "x": shares,
                "y": [values[i] for i in places],
                "low": [float(law.ppf(tail)) for law in laws],
                "high": [float(law.isf(tail)) for law in laws],
            }
        ],
        "note": "The band holds each sorted p-value of a uniform law with probability 0.95.",
    }


def margins_picture(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the smallest margin of each claim over all of its runs, sorted."""
    margins = sorted(found["smallest_margins"].values())
    return {
        "title": "Smallest margin of each claim",
        "x_label": "claims, sorted",
        "y_label": "margin (0 is the limit, 1 the middle)",
        "series": [
            {
                "name": f"{len(margins)} claims",
                "style": "points",
                "x": list(range(1, len(margins) + 1)),
                "y": margins,
            }
        ],
    }
