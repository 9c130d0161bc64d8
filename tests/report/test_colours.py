"""Text of every colour can be read on both papers of the page."""

import re
from importlib.resources import files

from lpfl.report import build_page
from lpfl.sweep.heat import _PALE, SHADES
from tests.report.samples import CATALOGUE, run
from theory.core.notation import NOTATION

INKS = ("ink", "pale")
PAPERS = re.compile(r"--paper: #([0-9a-f]{6});")


def test_every_colour_of_text_has_contrast_on_both_papers() -> None:
    html = build_page(run(), CATALOGUE, notation=NOTATION)
    schemes = re.findall(r":root \{(.*?)\}", html, re.DOTALL)[:2]
    for scheme in schemes:
        colours = dict(re.findall(r"--([\w-]+): #([0-9a-f]{6});", scheme))
        papers = [colours.pop("paper"), colours.pop("raised")]
        colours.pop("rule")
        assert len(colours) >= 13
        for name, colour in colours.items():
            for paper in papers:
                assert contrast(colour, paper) >= 4.5, f"{name} on {paper}"


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours as WCAG 2 defines it."""
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    shares = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [s / 12.92 if s <= 0.03928 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_numbers_can_be_read_on_every_shade_of_a_map() -> None:
    """Letters are pale on the shades that ``heat`` calls dark, and ink on the others."""
    sheet = sheet_of("maps.css")
    letters = {kind: re.search(rf"\.heat \.{kind} {{ fill: #(\w+)", sheet) for kind in INKS}
    shades = re.findall(r"\.([qd])(\d+) \{ fill: #([0-9a-f]{6})", sheet)
    assert len(shades) == 2 * SHADES
    for kind, number, colour in shades:
        letter = letters["pale" if number in _PALE[kind == "d"] else "ink"]
        assert letter is not None
        assert contrast(letter[1], colour) >= 4.5, f"{kind}{number}"


def test_findings_can_be_read_on_their_tint() -> None:
    """A cell of the survey with a finding is tinted with 16 % of the colour of its letter."""
    papers = dict(zip(("light", "dark"), PAPERS.findall(sheet_of("page.css")), strict=False))
    schemes = re.findall(r"\.survey \{ (--d[^}]*)\}", sheet_of("optimizers.css"))
    for paper, scheme in zip(papers.values(), schemes, strict=True):
        for name, colour in re.findall(r"--([dln]): #(\w{6});", scheme):
            assert contrast(colour, mixed(colour, paper, 0.16)) >= 4.5, f"{name} on {paper}"


def mixed(one: str, other: str, share: float) -> str:
    """The colour between two, as color-mix in srgb makes it."""
    pairs = [(int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (0, 2, 4)]
    return "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


def sheet_of(name: str) -> str:
    """A style sheet as it is in the package."""
    return (files("lpfl.report") / "templates" / name).read_text(encoding="utf-8")
