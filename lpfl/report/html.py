"""What every page shares: templates, the style sheet, the policy, and text made harmless."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lpfl.harmless import visible
from lpfl.report.prose import part_words, prose, typeset
from lpfl.report.trend import sparkline


def render(template: str, *, more_style: str = "", script: str = "", **values: Any) -> str:
    """Return a page from a template of ``lpfl/report/templates``.

    more_style, script: names of a further style sheet and of a script in that folder. The
    template gets ``style``, ``script`` and ``policy`` (it allows those and nothing else), and an
    empty ``elsewhere`` ((title, address) of other pages) if none is given. Values
    are escaped; control characters and marks that turn the direction of writing are shown as a
    replacement character.
    """
    style = _text("page.css") + (_text(more_style) if more_style else "")
    policy = f"default-src 'none'; style-src {_digest(style)}; base-uri 'none'; form-action 'none'"
    if script:
        values["script"] = Markup(_text(script))
        policy += f"; script-src {_digest(values['script'])}"
    values.setdefault("elsewhere", ())
    page = _environment().get_template(template)
    return visible(page.render(style=Markup(style), policy=policy, **values))


def style_sheet() -> str:
    """Return the style sheet that all pages share."""
    return _text("page.css")


def _text(name: str) -> str:
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("lpfl.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["slug"] = lambda verdict: str(verdict).replace(" ", "-")
    environment.filters["prose"] = prose
    environment.filters["typeset"] = typeset
    environment.filters["part_words"] = part_words
    environment.filters["sparkline"] = sparkline
    return environment
