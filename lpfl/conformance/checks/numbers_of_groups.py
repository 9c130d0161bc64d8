"""Numbers of a group that have no usual name, such as a rank: each group's own is read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lpfl.conformance.agreement import Pair, agree
from lpfl.conformance.checks.api.coupling import coupled
from lpfl.conformance.checks.api.groups import beside_each_alone
from lpfl.conformance.definition.alternatives import alternatives
from lpfl.conformance.outcomes import CheckResult, Outcome, severity
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import gap

ID = "api.group-numbers"
SHAPES = [(6, 4), (6, 4)]
STEPS = 8
VISIBLE = 1e-6


@check(ID, tags=("api",), cost=0.05, needs=("params",))
def group_numbers(subject: Subject) -> Iterator[CheckResult]:
    """A number of a group acts on this group, also where the first group has another.

    Asked of numbers that act where all groups have them. What is twice or half the default, and
    is taken, counts as allowed.
    """
    found = list(_acting(subject))
    if found and not coupled(subject):
        yield _judged(subject, found)


def _judged(subject: Subject, found: Sequence[Mapping[str, Any]]) -> CheckResult:
    answers = [agree(subject, _pair(subject, options), SHAPES, STEPS) for options in found]
    others = [a for a in answers if a.outcome is not Outcome.CONFORMS]
    if others:
        return max(others, key=lambda answer: severity(answer.outcome))
    farthest = max(a.measured or 0.0 for a in answers)
    names = ", ".join(name for options in found for name in options)
    message = f"Groups that differ in {names} are at most {farthest:.2g} from each alone."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=farthest)


def _acting(subject: Subject) -> Iterator[Mapping[str, Any]]:
    """Return, one by one, the options with a second value that acts, in groups as well."""
    start, gradients = subject.draw(SHAPES, STEPS, ID, "acting")
    everywhere, plain = [0, 1], None
    for name in sorted(subject.constructor_names & subject.default_group.keys()):
        if name == "lr" or name in alternatives(subject):
            continue
        for value in _values(subject.default(name)):
            options = {name: value}
            plain = plain or subject.run(start, gradients)
            try:
                run = subject.run(start, gradients, options=options)
                if not run.finite or gap(run, plain) <= VISIBLE:
                    continue
                inside = subject.run(start, gradients, groups=[(everywhere, options)])
            except Exception:
                continue
            if gap(inside, run) <= tolerance(subject, ID):
                yield options
                break


def _values(held: Any) -> list[Any]:
    """Return other values of a number: twice, half, one more; none for what is not positive."""
    if isinstance(held, bool) or not isinstance(held, int | float) or not held > 0:
        return []
    if isinstance(held, int):
        return [n for n in (2 * held, held // 2, held + 1) if 0 < n != held]
    return [2 * held, held / 2]


def _pair(subject: Subject, options: Mapping[str, Any]) -> Pair:
    """Return two groups, of which the second has the options, against each of them alone."""
    ((name, value),) = options.items()
    says = f"of two groups, the second with {name}={value}, against each of them alone,"
    return replace(beside_each_alone(subject, ID, says, options), differs=Outcome.LIMIT)
