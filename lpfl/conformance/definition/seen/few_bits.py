"""State of large weights that is kept in few bits, as is told."""

import math
import re

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.definition.runs import Candidate, Run

LARGE = 4096
"""Entries from which on it is usual."""
NEAR = 0.1
"""Relative error of a step that rounding of the state to eight bits makes."""
SAID = re.compile(r"\b(8|eight|few|low)[- _]?bits?\b|quanti[sz]|\b(u?int8|fp8|float8)\b", re.I)


def in_few_bits(comparison: Comparison, candidate: Candidate, run: Run) -> bool:
    """Return whether a large weight's steps are near a reading, and few bits are spoken of."""
    large = max(math.prod(shape) for shape in run.shapes) >= LARGE
    if not large or max(comparison.gaps(run, candidate), default=0.0) > NEAR:
        return False
    subject, optimizer = comparison.subject, comparison.runs_optimizer()
    words = " ".join([documentation(subject, optimizer), *map(str, subject.default_group)])
    return bool(SAID.search(words))
