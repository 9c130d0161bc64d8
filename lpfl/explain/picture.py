"""The forecast as a picture: alignment against the number of samples, one line a method."""

from typing import Any

import numpy as np
from markupsafe import Markup

from lpfl.report.axes import Axis
from lpfl.report.svg import Point, frame, line, marks, polyline, side_label, text

WIDTH, HEIGHT, POINTS = 640, 360, 61
SHAPES = ("dot", "square", "ring", "diamond", "plus", "star", "house")
COLOURS = ("#444444", "#0072b2", "#56b4e9", "#d55e00", "#009e73", "#cc79a7", "#e69f00")
NAME = "lpfl-forecast"  # in front of every rule: a notebook holds other drawings too
STYLE = "".join(
    f".{NAME} {rule}"
    for rule in (
        "text{font:12px sans-serif;fill:#222}", ".middle{text-anchor:middle}",
        ".end{text-anchor:end}", "path{fill:none;stroke-width:1.6}", ".grid{stroke:#ddd}",
        ".axis{stroke:#222}", ".limit{stroke:#222;stroke-dasharray:4 3}",
        ".dot{stroke-linecap:round;stroke-width:6}",
        *(f".m{i}{{stroke:{colour}}}" for i, colour in enumerate(COLOURS)),
    )
)  # fmt: skip


def picture(found: Any) -> str:
    """Return an SVG file: rho^2 against n from d/10 to 100 d, the chosen n dashed."""
    dim = found.inputs.dim
    x = Axis(dim * 0.1, dim * 100.0, 56, 440, True)
    y = Axis(0.0, 1.0, 310, 16)
    parts = frame(x, y, top=16, bottom=310)
    grid = np.geomspace(x.low, x.high, POINTS)
    for i, row in enumerate(found.rows):
        points = [
            (x.at(float(n)), y.at(value))
            for n in grid
            if (value := _value(row.curve, dim / float(n))) is not None
        ]
        parts += [polyline(f"m{i}", points), marks(f"m{i}", SHAPES[i], points[3 * i % 10 :: 10])]
        at: Point = (456, 30 + 20 * i)
        parts += [marks(f"m{i}", SHAPES[i], [at]), text("tick", (468, at[1] + 4), row.name)]
    parts.append(line("limit", (x.at(found.samples), 16), (x.at(found.samples), 310)))
    parts.append(text("label middle", (248, 346), "samples n (dashed: the n asked for)"))
    parts.append(side_label((16, 163), "alignment ρ²"))
    return str(
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" class="{}" viewBox="0 0 {} {}" role="img">'
            "<title>{}</title><style>{}</style>"
            '<rect width="100%" height="100%" fill="#fff"/>{}</svg>\n'
        ).format(
            NAME,
            WIDTH,
            HEIGHT,
            "Alignment after one step against samples",
            Markup(STYLE),
            Markup("").join(parts),
        )
    )


def _value(curve: Any, aspect: float) -> float | None:
    try:
        return curve(aspect)
    except ValueError:  # no limit here: the line has a gap
        return None
