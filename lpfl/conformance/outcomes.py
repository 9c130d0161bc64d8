"""What a check can answer about an optimizer, and one answer with its evidence."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """How a check ended; ``severity`` puts the outcomes in order."""

    CONFORMS = "conforms"
    CONVENTION = "conforms up to a convention"
    VARIANT = "documented variant"
    NUMERICS = "numerics"
    LIMIT = "limit"
    DEVIATES = "deviates"
    INCONCLUSIVE = "inconclusive"
    UNDRIVABLE = "cannot be driven here"
    NOT_CLAIMED = "not claimed"
    UNKNOWN = "unknown"


_ASCENDING = (
    Outcome.NOT_CLAIMED,
    Outcome.CONFORMS,
    Outcome.CONVENTION,
    Outcome.VARIANT,
    Outcome.UNKNOWN,
    Outcome.UNDRIVABLE,
    Outcome.INCONCLUSIVE,
    Outcome.NUMERICS,
    Outcome.LIMIT,
    Outcome.DEVIATES,
)
FINDINGS = frozenset({Outcome.NUMERICS, Outcome.LIMIT, Outcome.DEVIATES})
"""Outcomes that say something against the optimizer."""


def severity(outcome: Outcome) -> int:
    """Return the rank of an outcome, 0 for the mildest."""
    return _ASCENDING.index(outcome)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the gravest of the outcomes, ``not claimed`` if there are none."""
    return max(outcomes, key=severity, default=Outcome.NOT_CLAIMED)


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """One answer of one check.

    message: one sentence whose subject is the measured quantity. measured, bound: the number and
    what it was held against. control: the same number for torch's own optimizer. convention: named
    axes with the value that fits. scenario: the smallest setting in which it shows. snippet: a
    program that shows it with torch and the optimizer's package alone. feature: what the number
    means for feature learning (theory checks). expected: the reason given beforehand for a
    finding. stale: the finding was expected and did not appear.
    """

    check: str
    outcome: Outcome
    message: str
    measured: float | None = None
    bound: float | None = None
    control: float | None = None
    convention: Mapping[str, Any] = field(default_factory=dict)
    scenario: Mapping[str, Any] = field(default_factory=dict)
    snippet: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    feature: str = ""
    expected: str = ""
    stale: bool = False

    @property
    def failed(self) -> bool:
        """Whether this answer fails the optimizer: it deviates unexpectedly, or is stale."""
        return self.stale or (self.outcome is Outcome.DEVIATES and not self.expected)

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as plain JSON values; numbers that are not finite become text."""
        return {key: plain(value) for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "CheckResult":
        """Return the answer that ``as_dict`` wrote."""
        known = {f.name for f in fields(cls)}
        kept = {key: value for key, value in values.items() if key in known}
        for name in ("measured", "bound", "control"):
            if kept.get(name) is not None:
                kept[name] = float(kept[name])
        return cls(**{**kept, "outcome": Outcome(kept["outcome"])})


def plain(value: Any) -> Any:
    """Return a value in JSON's own types; whatever JSON lacks becomes its text."""
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return str(value)
