"""The answers about one optimizer, in order, grouped, and as JSON."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome, plain, severity, worst
from lpfl.conformance.spec import OptimizerSpec

RAISES = "An ordinary run raises"
"""How the answer of a check begins that the optimizer lets nobody ask."""
OF_RUNS = frozenset(
    {Outcome.CONFORMS, Outcome.CONVENTION, Outcome.VARIANT, Outcome.NUMERICS, Outcome.DEVIATES}
)


@dataclass(frozen=True)
class Answers:
    """The answers about one optimizer.

    results: theory first, then definition and invariance, then api. guessed: needs that were
    guessed, with the reason. environment: versions, seed, device, whether
    it ran in a process of its own.
    """

    spec: OptimizerSpec
    results: list[CheckResult]
    guessed: dict[str, str] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> list[CheckResult]:
        """Answers that fail the optimizer: deviations and stale expectations."""
        return [result for result in self.results if result.failed]

    @property
    def findings(self) -> list[CheckResult]:
        """Answers that say something against the optimizer, gravest first."""
        found = [r for r in self.results if r.outcome in FINDINGS or r.stale]
        return sorted(found, key=lambda r: (not r.failed, -severity(r.outcome)))

    @property
    def raised(self) -> str:
        """What ordinary runs raise, where more checks end so than have an answer; else empty."""
        raised = [r.message for r in self.results if r.message.startswith(RAISES)]
        answered = [r for r in self.results if r.outcome in OF_RUNS]
        return raised[0] if len(raised) > len(answered) else ""

    @property
    def supports(self) -> list[str]:
        """Claims that the measurements support although they are not made, in words."""
        said: dict[str, None] = {}
        for result in self.results:
            for words in result.details.get("supports", ()):
                said.setdefault(str(words))
        return list(said)

    def outcome(self, check_id: str) -> Outcome:
        """Return the gravest outcome of a check.

        Raises: KeyError if the check gave no answer.
        """
        found = [r.outcome for r in self.results if r.check == check_id]
        if not found:
            raise KeyError(check_id)
        return worst(found)

    def by_check(self) -> Iterator[tuple[str, list[CheckResult]]]:
        """Yield each check's id with its answers, gravest first."""
        grouped: dict[str, list[CheckResult]] = {}
        for result in self.results:
            grouped.setdefault(result.check, []).append(result)
        for check_id, results in grouped.items():
            yield check_id, sorted(results, key=lambda r: (not r.failed, -severity(r.outcome)))

    def as_json(self) -> str:
        """Return the answers as a JSON object."""
        spec = self.spec
        values = {
            "optimizer": spec.name,
            "source": spec.source,
            "claims": sorted(spec.claims),
            "supports": self.supports,
            "options": plain(spec.options),
            "needs": sorted(spec.needs),
            "guessed": self.guessed,
            "environment": plain(self.environment),
            "failed": sorted({r.check for r in self.failed}),
            "results": [r.as_dict() for r in self.results],
        }
        return json.dumps(values, indent=1, allow_nan=False)
