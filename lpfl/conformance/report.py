"""The answers about one optimizer, as text, JSON, HTML and JUnit."""

from dataclasses import dataclass, field
from typing import Any

from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome, severity, worst
from lpfl.conformance.spec import OptimizerSpec


class ConformanceError(AssertionError):
    """A check failed; the message is the report's text, ``report`` the report."""

    def __init__(self, report: "Report") -> None:
        super().__init__("\n" + report.text())
        self.report = report


@dataclass(frozen=True)
class Report:
    """The answers about one optimizer; ``guessed``: needs that were guessed, with the reason."""

    spec: OptimizerSpec
    results: list[CheckResult]
    guessed: dict[str, str] = field(default_factory=dict)
    supports: list[str] = field(default_factory=list)
    environment: dict[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> list[CheckResult]:
        """Answers that fail the optimizer."""
        return [result for result in self.results if result.failed]

    @property
    def findings(self) -> list[CheckResult]:
        """Answers that say something against the optimizer, gravest first."""
        found = [r for r in self.results if r.outcome in FINDINGS or r.stale]
        return sorted(found, key=lambda r: -severity(r.outcome))

    def outcome(self, check_id: str) -> Outcome:
        """Return the gravest outcome of a check.

        Raises: KeyError if the check gave no answer.
        """
        found = [r.outcome for r in self.results if r.check == check_id]
        if not found:
            raise KeyError(check_id)
        return worst(found)

    def text(self) -> str:
        """Return the report as plain text."""
        lines = [f"{self.spec.name}"]
        lines += [f"{r.outcome:>28}  {r.check:<20} {r.message}" for r in self.results]
        return "\n".join(lines)
