"""The answers about one optimizer, as text, JSON, HTML and JUnit."""

from dataclasses import dataclass

from lpfl.conformance.answers import Answers
from lpfl.conformance.views.junit import to_junit
from lpfl.conformance.views.text import to_text


class ConformanceError(AssertionError):
    """A check failed; the message is the report's text, ``report`` the report."""

    def __init__(self, report: "Report") -> None:
        super().__init__("\n" + report.text())
        self.report = report


@dataclass(frozen=True)
class Report(Answers):
    """The answers about one optimizer, and the forms they are shown in."""

    def text(self) -> str:
        """Return the report as plain text."""
        return to_text(self)

    def html(self) -> str:
        """Return the report as a page that needs nothing else."""
        from lpfl.conformance.views.html import to_html

        return to_html(self)

    def junit(self) -> str:
        """Return the report as JUnit XML, one test case a check."""
        return to_junit([self])

    def _repr_html_(self) -> str:
        """Return the table of answers for a notebook."""
        from lpfl.conformance.views.html import to_fragment

        return to_fragment(self)
