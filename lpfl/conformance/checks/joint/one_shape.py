"""Parameters of one shape that influence each other, where those of different shapes do not."""

import re
from dataclasses import replace

from lpfl.conformance.agreement import SCALARS, Gradients, Pair, Start, agree
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import gap

ALIKE = ((6, 4), (6, 4))
STEPS = 8
OFTEN = 40
"""Steps of equal gradients, in which an estimate of a rate for all of them grows."""
SAID = re.compile(
    r"\b(same|one|equal|identical|like|alike|matching|each|per|by)[ -](tensor[ -])?"
    r"(shape|size|dim)|stack|bundle|batched|\bpool|"
    r"(shared?|common|joint\w*) (\w+ ){0,3}(between|among|across|by|for|over) ",
    re.IGNORECASE,
)
"""Words by which parameters of one shape are told to be treated together."""


def by_shape(subject: Subject, pair: Pair) -> CheckResult | None:
    """Return the finding that parameters of one shape share a memory.

    pair: runs of several parameters together, and of each of them alone. With one of the weights
    turned over, and all numbers the same, each must move as alone: a step size or a bound for all
    of them couples those too.
    """
    if len(subject.shapes(*ALIKE, ALIKE[0][::-1])) < len(ALIKE) + 1:
        return None
    words = documentation(subject, subject.open(subject.draw(ALIKE, 0, "alike")[0]).optimizer)
    if SAID.search(words) or not _free_if_unlike(subject, pair):
        return None
    answer = agree(subject, replace(pair, differs=Outcome.LIMIT), ALIKE, STEPS)
    if answer.outcome is not Outcome.LIMIT:
        return None
    beside = "parameters of one shape influence each other, those of different shapes do not"
    return replace(answer, message=f"{answer.message[:-1]}: {beside}.")


def _free_if_unlike(subject: Subject, pair: Pair) -> bool:
    """Return whether the last parameter, turned over, and the first move as each alone.

    So it must be with the gradients that are judged, and with steady ones, whatever the seed is.
    """
    start, gradients = subject.draw(ALIKE, STEPS, pair.check, pair.says)
    bound = max(SCALARS, tolerance(subject, pair.check))
    steady = [[g * 10.0**i for i, g in enumerate(gradients[0])]] * OFTEN
    begin = _last_turned(start)
    again = subject.run(begin, _all_turned(gradients), seed=subject.seed + 7)
    return gap(again, subject.run(begin, _all_turned(gradients))) <= bound and all(
        gap(pair.other(begin, rows), pair.plain(begin, rows)) <= bound
        for rows in (_all_turned(gradients), _all_turned(steady))
    )


def _all_turned(rows: Gradients) -> Gradients:
    return [_last_turned(row) for row in rows]


def _last_turned(row: Start) -> Start:
    return [*row[:-1], row[-1].T.contiguous()]
