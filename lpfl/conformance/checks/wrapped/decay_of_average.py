"""The decay of an average of the weights: what is left of the old average in a step."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lpfl.conformance.checks.promised.told_of import told_of
from lpfl.conformance.subject import Subject

DECAY = re.compile(r"decay|beta|momentum", re.IGNORECASE)
AVERAGE = re.compile(r"(^|_)(ema|swa|avg|averag\w*|polyak)(_|$)")
OF_THE_NEW = re.compile(
    r"\b(weight|share|part|coefficient|factor|rate)\s+(of|given to|for)\s+(the\s+)?"
    r"(new|newest|present|current|latest|last)\b",
    re.IGNORECASE,
)
"""Words by which the number is the weight of the present weights, not what is left of the old."""
CLOSE = 1e-6


def turned_over(
    subject: Subject, on: Mapping[str, Any], shares: Sequence[float]
) -> tuple[str, float] | None:
    """Return name and value of a decay that each step gives to the present weights, if one does."""
    for name in sorted(n for n in {*on, *subject.constructor_names} if AVERAGE.search(n)):
        value = on.get(name, subject.default(name))
        number = isinstance(value, float) and 0.5 < value < 1
        told = told_of(subject, name)
        formula = rf"1\s*-\s*{name}\b|\b{name}\s*\*\s*\(?(p|w|weights?|params?|new)\b"
        if not (number and DECAY.search(name)) or OF_THE_NEW.search(told):
            continue
        if re.search(formula, told):
            continue
        if len(shares) > 2 and all(abs(share - value) <= CLOSE for share in shares):
            return name, value
    return None
