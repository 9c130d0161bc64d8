"""Options with which a run is saved and resumed once more: what is off by default."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lpfl.conformance.checks.protocol.whole_numbers import acting
from lpfl.conformance.checks.switches import switches, works
from lpfl.conformance.definition.alternatives import together
from lpfl.conformance.outcomes import FINDINGS, CheckResult
from lpfl.conformance.subject import Subject

Resumed = Callable[[str, Mapping[str, Any]], CheckResult]
"""Resumes a run, described in words, with these options."""


def switched_on(subject: Subject, resumed: Resumed) -> Iterator[CheckResult]:
    """Yield the answer with all options on that may bring entries of the state with them."""
    from_nothing = lambda name: not subject.default(name) and name != "weight_decay"  # noqa: E731
    held = {n: v for n, v in together(subject).items() if v and n != "lr" and from_nothing(n)}
    if held:
        yield resumed(_named(held), held)


def turned_over(subject: Subject, resumed: Resumed) -> Iterator[CheckResult]:
    """Yield what is found with the optimizer's own switches turned over, as many as work at once.

    One of them that shows it alone is named.
    """
    several: dict[str, Any] = {}
    for name, value in switches(subject).items():
        if works(subject, {**several, name: value}):
            several[name] = value
    answer = resumed(_named(several), several) if several else None
    if answer is None or answer.outcome not in FINDINGS:
        return
    for name, value in several.items() if len(several) > 1 else ():
        alone = resumed(_named({name: value}), {name: value})
        if alone.outcome in FINDINGS:
            yield alone
            return
    yield answer


def counting(subject: Subject, resumed: Resumed) -> Iterator[CheckResult]:
    """Yield what is found with each option that is a whole number and off by default."""
    for option in acting(subject):
        answer = resumed(_named(option), option)
        if answer.outcome in FINDINGS:
            yield answer


def _named(options: Mapping[str, Any]) -> str:
    return "with " + " and ".join(f"{name}={value}" for name, value in options.items())
