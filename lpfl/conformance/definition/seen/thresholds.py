"""Options that are a size of weights from which another branch is taken, unknown to a reference."""

import re
from collections.abc import Iterator

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.precision import LOOSE
from lpfl.conformance.definition.runs import Candidate
from lpfl.conformance.definition.settings import fitting

NAMES = re.compile(
    r"(min|max|least|largest)\w*(size|dim|side|numel|elements|params)|"
    r"(size|dim|side|numel|elements)\w*(thresh|_gt$|_ge$|from|above|below)|"
    r"thresh\w*(size|dim|side|numel|elements)"
)
REACHED = 40
"""Largest side of the weights of every judgement."""
SMALL = 2


def unreached(comparison: Comparison, candidate: Candidate) -> str:
    """Return words on the thresholds that no judged weight reaches; nothing if there are none."""
    found = " and ".join(_thresholds(comparison, candidate))
    return f"; weights beyond {found} are not judged here" if found else ""


def _thresholds(comparison: Comparison, candidate: Candidate) -> Iterator[str]:
    """Yield, as "name=value", each threshold above the judged weights that matters.

    It does if a reading that holds below it does not hold where it is put below all weights.
    """
    subject = comparison.subject
    used = {spot.option for spot in comparison.where.values()} | comparison.switched.keys()
    names = subject.constructor_names | set(map(str, subject.default_group))
    for name in sorted(n for n in names - used if NAMES.search(n)):
        held = subject.default(name)
        if isinstance(held, int) and held > REACHED and not _holds(comparison, candidate, name):
            yield f"{name}={held}"


def _holds(comparison: Comparison, candidate: Candidate, name: str) -> bool:
    """Return whether a reading holds with a threshold below all weights."""
    setting = fitting(comparison.oracle)
    below = comparison.runs(setting)
    try:
        off = {**comparison.switched, name: SMALL}
        other = Comparison(comparison.subject, comparison.oracle, off=off)
        runs = other.runs(setting)
    except Exception:  # so small a value is refused
        return False
    usual, gaps = (
        max((gap for run in made for gap in comparison.gaps(run, candidate)), default=0.0)
        for made in (below, runs)
    )
    return len(runs) == len(below) and gaps <= max(LOOSE, 2 * usual)
