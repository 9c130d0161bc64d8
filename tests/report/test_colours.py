"""Text of every colour can be read on both papers of the page."""

import re

from lpfl.report import build_page
from tests.report.samples import CATALOGUE, run
from theory.core.notation import NOTATION


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
