"""Charts as files of their own: SVG, CSV of their numbers, and PNG where cairosvg is installed."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from markupsafe import Markup

from lpfl.harmless import visible
from lpfl.report.chart import Chart
from lpfl.report.html import style_sheet
from lpfl.report.limits import axis_words as limit_words
from lpfl.report.measured.against import axis_words as against_words
from lpfl.report.svg import text
from lpfl.results.store import write_atomically

PNG_WIDTH = 1200
NO_CONVERTER = "png=True, needs cairosvg: pip install 'lpfl[png]'; SVG and CSV need nothing"
_SIZES = re.compile(r'viewBox="0 0 (\d+) (\d+)"')
_VARIABLE = re.compile(r"--([\w-]+): ([^;]+);")
_MIXED = re.compile(r"stroke: color-mix\([^;]*\);")
_OF_A_PAGE = re.compile(r"display: block; width: 100%; height: auto;")  # converters obey it
_GAP, _TITLE, _TITLE_LETTER, _PAD = 24, 34, 9, 14


def export_charts(charts: Sequence[Chart], folder: Path, *, png: bool = False) -> list[Path]:
    """Write NAME.svg and NAME.csv of every chart (and NAME.png); return the files.

    Two charts of one name get numbers. Raises ValueError if the folder cannot be written, or if
    ``png`` is asked for and cairosvg is not installed.
    """
    convert = converter() if png else None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"data={folder} cannot be written: {error.strerror}") from None
    written: list[Path] = []
    taken: set[str] = set()
    for chart in charts:
        name = _free(chart.name, taken)
        svg = side_by_side([chart])
        for ending, words in ((".svg", svg), (".csv", chart.as_csv())):
            write_atomically(folder / f"{name}{ending}", words)
            written.append(folder / f"{name}{ending}")
        if convert is not None:
            write_atomically(folder / f"{name}.png", convert(svg))
            written.append(folder / f"{name}.png")
    return written


def side_by_side(charts: Sequence[Chart]) -> str:
    """Return charts as one SVG file with titles above them, readable on its own."""
    sizes = [tuple(map(int, _SIZES.search(str(c.drawing)).groups())) for c in charts]  # type: ignore[union-attr]
    titled = any(chart.title for chart in charts)
    top = _PAD + (_TITLE if titled else 0)
    width = 2 * _PAD + sum(w for w, _ in sizes) + _GAP * (len(charts) - 1)
    height = top + max(h for _, h in sizes) + _PAD
    left, inside = _PAD, Markup("")
    for chart, (own_width, _) in zip(charts, sizes, strict=True):
        kind = "title" if _TITLE_LETTER * len(chart.title) <= own_width else "title small"
        inside += text(kind, (left + 4, _PAD + 14), chart.title)
        inside += _moved(chart.drawing, left, top)
        left += own_width + _GAP
    return visible(
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" width="{}" height="{}">'
            "<style>{}</style><defs>{}</defs>"
            '<rect width="100%" height="100%" fill="#fdfdfb"/>{}</svg>\n'
        ).format(
            width,
            height,
            width,
            height,
            Markup(chart_style()),
            against_words() + limit_words(),
            inside,
        )
    )


def _moved(drawing: Markup, left: int, top: int) -> Markup:
    """Return a drawing as a group at a place; converters draw no svg element inside another."""
    group = f'<g transform="translate({left} {top})" '
    words = _SIZES.sub("", str(drawing)).replace("<svg ", group, 1)
    return Markup(f"{words.removesuffix('</svg>')}</g>")


def chart_style() -> str:
    """Return what the style sheet says of charts, with the colours of light paper in it."""
    sheet = style_sheet()
    colours = dict(_VARIABLE.findall(sheet[: sheet.index("}")]))
    rules = [line for line in sheet.splitlines() if _of_charts(line)]
    plain = _OF_A_PAGE.sub("", _MIXED.sub("", "\n".join(rules)))
    plain = re.sub(r"var\(--([\w-]+)\)", lambda m: colours[m[1]], plain)
    return (
        plain
        + "\n.title { font: 600 15px sans-serif; fill: #1d2026; } .small { font-size: 10.5px; }"
    )


def converter() -> Callable[[str], bytes]:
    """Return the function SVG -> PNG; raise ValueError if none is installed."""
    try:
        from cairosvg import svg2png
    except (ImportError, OSError):
        raise ValueError(NO_CONVERTER) from None

    def convert(svg: str) -> bytes:
        return bytes(svg2png(bytestring=svg.encode(), output_width=PNG_WIDTH))

    return convert


def _of_charts(line: str) -> bool:
    starts = (".chart", ".middle", ".grid", ".axis", ".identity", ".limit", ".tolerance", ".beyond")
    words = ("text", ".label")
    outcomes = (
        ".mark",
        ".deciding",
        ".confirmed",
        ".inconclusive",
        ".interval",
        ".dash",
        ".s0",
        ".s3",
        ".s6",
        ".s9",
    )
    return line.startswith((*starts, *words, *outcomes)) and "::before" not in line


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    taken.add(free)
    return free
