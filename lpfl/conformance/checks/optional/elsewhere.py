"""Options that are off by default, switched on in the drives that are made without them."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from lpfl.conformance.agreement import agree
from lpfl.conformance.checks.optional.accumulating import accumulating
from lpfl.conformance.checks.optional.averages import late_average
from lpfl.conformance.checks.optional.falls import FALLS, Fall, fallen
from lpfl.conformance.checks.optional.gradients import written
from lpfl.conformance.checks.optional.off import off_by_default
from lpfl.conformance.checks.optional.pairs import DRIVES, ID, STEPS, Drive
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

FOUND = (Outcome.LIMIT, Outcome.DEVIATES)
ODD = frozenset({*FOUND, Outcome.UNDRIVABLE, Outcome.VARIANT, Outcome.INCONCLUSIVE})
"""Outcomes of a drive without the option where it says nothing about the option."""
Asked = Callable[[Mapping[str, Any]], CheckResult | None]


@check(ID, tags=("api",), cost=0.3, needs=("params",))
def elsewhere(subject: Subject) -> Iterable[CheckResult]:
    """An option that is off by default works where the optimizer does without it."""
    options = off_by_default(subject)
    if not options:
        return
    found = [answer for drives in _drives(subject) for answer in _one_of(drives, options)]
    found += accumulating(subject, ID)
    yield from found
    if not any(answer.outcome in FOUND for answer in found):
        message = f"Each of {len(options)} options works in every drive in which the default does."
        yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)


def _drives(subject: Subject) -> Iterator[Sequence[Asked]]:
    """Yield drives, those together that show the same faults."""
    late, missing, added = (_falling(subject, fall) for fall in FALLS)
    yield late, missing
    yield (added,)
    yield from ([_agreeing(subject, drive) for drive in drives] for drives in DRIVES)
    if subject.injects and "keeps_grad" not in subject.needs:
        yield (lambda options: written(subject, ID, options),)
    if "grad_first" not in subject.needs:
        yield (lambda options: late_average(subject, ID, options),)


def _one_of(drives: Sequence[Asked], options: list[Mapping[str, Any]]) -> Iterator[CheckResult]:
    found = (answer for drive in drives for answer in _first(drive, options))
    yield from itertools.islice(found, 1)


def _first(drive: Asked, options: list[Mapping[str, Any]]) -> Iterator[CheckResult]:
    """Yield the first finding of a drive, unless the drive finds something without options."""
    for given in options:
        answer = drive(given)
        if answer is None or answer.outcome not in (*FOUND, Outcome.VARIANT):
            continue
        without = drive({})
        if without is None or without.outcome not in ODD:
            yield answer
        return


def _falling(subject: Subject, fall: Fall) -> Asked:
    if "grad_first" in subject.needs:
        return lambda options: None
    return lambda options: fallen(subject, ID, fall, options)


def _agreeing(subject: Subject, drive: Drive) -> Asked:
    def asked(options: Mapping[str, Any]) -> CheckResult | None:
        if not drive.asks(subject, options):
            return None
        return agree(subject, drive.pair(subject, options), drive.shapes, STEPS)

    return asked
