"""What a run would have said had the statement been wrong: decided again, nothing drawn again.

The prediction of a comparison is moved by a share x up and down, and the comparison decided with
the same samples. The weaker of the two answers counts, so that "refuted at 10 %" holds whichever
way the statement errs.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lpfl.decide import SEVERITY, Outcome, most_severe
from lpfl.verify.expect import Below, ChiSquare, Near, Same, as_array

ERRORS = (0.05, 0.10, 0.25)


def outcomes_if_wrong(comparison: Any, alpha: float) -> Mapping[float, Outcome]:
    """Return per error x of ERRORS the outcome, had the prediction been wrong by that share.

    Empty for comparisons without a number to be wrong by (orderings, counts, predictions of 0).
    """
    found: dict[float, Outcome] = {}
    for x in ERRORS:
        moved = [_wrong_by(comparison, share) for share in (x, -x)]
        answers = [one.decide(alpha).outcome for one in moved if one is not None]
        if answers:
            found[x] = min(answers, key=SEVERITY.index)
    return found


def _wrong_by(comparison: Any, share: float) -> Any:
    """Return the comparison with its prediction times 1 + share; None where that means nothing.

    A bound is only moved to the stronger statement: a weaker one would still be true.
    """
    if isinstance(comparison, Near) and comparison.predicted != 0.0:
        return replace(comparison, predicted=comparison.predicted * (1.0 + share))
    if isinstance(comparison, Same):
        predicted = as_array(comparison.predicted)
        if not predicted.any():
            return None
        return replace(comparison, predicted=predicted * (1.0 + share))
    if isinstance(comparison, ChiSquare):
        return replace(comparison, totals=as_array(comparison.totals) / (1.0 + share))
    if isinstance(comparison, Below) and share < 0.0:
        limit = as_array(comparison.limit)
        return replace(comparison, limit=limit * (1.0 + share)) if (limit > 0).all() else None
    return None


def strongest(outcomes: list[Mapping[float, Outcome]]) -> dict[float, Outcome]:
    """Return per error what several findings about one part in one scenario say together."""
    errors = sorted({x for one in outcomes for x in one})
    return {x: most_severe(one[x] for one in outcomes if x in one) for x in errors}
