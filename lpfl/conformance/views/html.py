"""A conformance report as a page: theory first, the findings with their programs, every check."""

from typing import Any

from lpfl.conformance.answers import Answers
from lpfl.conformance.views.text import conclusion
from lpfl.report.html import render


def to_html(report: Answers) -> str:
    """Return a page that loads nothing and runs nothing."""
    return render("conformance.html.jinja", whole=True, **_view(report))


def to_fragment(report: Answers) -> str:
    """Return the body of the page, for a notebook."""
    return render("conformance.html.jinja", whole=False, **_view(report))


def _view(report: Answers) -> dict[str, Any]:
    return {
        "spec": report.spec,
        "report": report,
        "theory": [r for r in report.results if r.check.startswith("theory.")],
        "groups": list(report.by_check()),
        "conclusion": conclusion(report),
        "environment": ", ".join(f"{k} {v}" for k, v in report.environment.items() if v != ""),
    }
