"""Several backward passes before a step, and passes that no step follows."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import torch

from lpfl.conformance.definition.grid import documentation, own_classes
from lpfl.conformance.hooked.answers import concerns, stated
from lpfl.conformance.hooked.passes import (
    Plan,
    between,
    first_otherwise,
    halves,
    second_otherwise,
    shown,
    skipped,
    swapped,
    train_on,
    twice,
    whole,
    whole_otherwise,
)
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.signatures import Undrivable, told
from lpfl.conformance.subject import Subject

NO_TRACE = 1e-12
"""The gradients are the same to the last bit: so are the steps, where nothing else is read."""
SAID = re.compile(
    r"accumulat|micro.?batch|(each|every|per|last) (forward|backward|pass)|skipped step|\breset",
    re.IGNORECASE,
)
"""Words about what passes leave behind."""
PROMISED = re.compile(
    r"(clear|zero)\w*[^.]{0,20}\bgradients?\b[^.]{0,40}\b(begin|start|forget|drop|discard|new)"
    r"|\bgradients?\b[^.]{0,20}\b(clear|zero)\w*[^.]{0,40}\b(begin|start|forget|drop|discard|new)",
    re.IGNORECASE,
)
"""Words by which cleared gradients begin a new step."""
ONLY_GRADIENTS = "The first step reads nothing of a pass but its gradient."
DRAWN = "A second run draws other numbers: nothing is told."


@check("layer.micro-batches", tags=("layer",), cost=0.1, control=True)
def micro_batches(subject: Subject) -> Iterator[CheckResult]:
    """Of two backward passes before one step, each leaves a trace beyond its gradient.

    Asked of a method that reads more of a pass than its gradient. In which way the passes are
    weighed is no matter.
    """
    if concerns(subject):
        yield _micro_batches(subject, "layer.micro-batches")


def _micro_batches(subject: Subject, check_id: str) -> CheckResult:
    if not _reads_rows(subject):
        return CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=ONLY_GRADIENTS)
    try:
        plain = train_on(subject, halves)
    except Undrivable:
        raise
    except Exception as error:
        return _raises(subject, check_id, halves, error, "Two backward passes before a step raise")
    first, second = (
        between(train_on(subject, plan), plain) for plan in (first_otherwise, second_otherwise)
    )
    if first <= NO_TRACE < tolerance(subject, check_id) < second:
        words = (
            "What the first of two backward passes saw moves the weights by exactly 0 of their "
            f"way, beside its gradient; what the second saw, by {second:.2g}"
        )
        if _said(subject):
            message = f"{words}: passes are spoken of in its documentation."
            return CheckResult(check=check_id, outcome=Outcome.VARIANT, message=message)
        ending = """
plain = train(halves)
print('moved by the first', between(train(first_otherwise), plain))
print('moved by the second', between(train(second_otherwise), plain))
"""
        return CheckResult(
            check=check_id,
            outcome=Outcome.LIMIT,
            message=f"{words}: the last pass alone counts.",
            measured=first,
            bound=NO_TRACE,
            scenario={"passes": 2},
            **shown(subject, (halves, first_otherwise, second_otherwise), ending, second),
        )
    order = between(train_on(subject, swapped), plain)
    same = order <= tolerance(subject, check_id)
    words = "is rounding" if same else f"is {order:.2g} of the way: they are weighed by their order"
    return CheckResult(
        check=check_id,
        outcome=Outcome.CONFORMS if same else Outcome.VARIANT,
        message=f"The gap that the order of two backward passes makes {words}.",
        measured=order,
    )


@check("layer.skipped", tags=("layer",), cost=0.1, control=True)
def skipped_step(subject: Subject) -> Iterator[CheckResult]:
    """A pass that no step follows, its gradients cleared, leaves nothing for the next step.

    A scaler of float16 skips steps so. Definitions do not speak of it: what stays is a convention,
    unless the documentation says that cleared gradients begin a new step.
    """
    if concerns(subject):
        yield _skipped(subject, "layer.skipped")


def _skipped(subject: Subject, check_id: str) -> CheckResult:
    if not _reads_rows(subject):
        return CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=ONLY_GRADIENTS)
    plain = train_on(subject, whole)
    try:
        run = train_on(subject, skipped)
    except Undrivable:
        raise
    except Exception as error:
        return _raises(subject, check_id, skipped, error, "A step after one that is skipped raises")
    gap = between(run, plain)
    if gap <= tolerance(subject, check_id):
        message = "The gap that passes without a step make is rounding."
        return CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=message, measured=gap)
    if gap <= 10 * _drawn(subject):
        return CheckResult(check=check_id, outcome=Outcome.INCONCLUSIVE, message=DRAWN)
    message = f"The gap that passes without a step make is {gap:.2g} of the way"
    if not _said(subject, PROMISED):
        told_of = _said(subject)
        words = "passes are spoken of in its documentation" if told_of else "what they saw stays"
        return CheckResult(
            check=check_id,
            outcome=Outcome.VARIANT if told_of else Outcome.CONVENTION,
            message=f"{message}: {words}.",
            measured=gap,
            convention={} if told_of else {"a pass without a step": "enters the next one"},
        )
    ending = "print('gap', between(train(skipped), train(whole)))"
    return CheckResult(
        check=check_id,
        outcome=Outcome.LIMIT,
        message=f"{message}: cleared gradients do not begin a new step, as is told.",
        measured=gap,
        scenario={"passes": "one without a step before each step"},
        **shown(subject, (skipped, whole), ending, gap),
    )


@check("layer.rows", tags=("layer",), cost=0.1, control=True)
def rows(subject: Subject) -> Iterator[CheckResult]:
    """Rows that stand in a batch twice, under a mean loss, make the step of the batch without.

    A factor that is a sum, or takes slopes of the mean for those of a row, is a convention: the
    rate and the damping then belong to one number of rows.
    """
    if not concerns(subject):
        return
    if not _reads_rows(subject):
        yield CheckResult(check="layer.rows", outcome=Outcome.CONFORMS, message=ONLY_GRADIENTS)
        return
    plain, run = train_on(subject, whole), train_on(subject, twice)
    gap = between(run, plain)
    same = gap <= max(tolerance(subject, "layer.rows"), 10 * _drawn(subject))
    words = (
        "is rounding" if same else f"is {gap:.2g} of the way: rate and damping hold for one size"
    )
    yield CheckResult(
        check="layer.rows",
        outcome=Outcome.CONFORMS if same else Outcome.CONVENTION,
        message=f"The gap that a batch with every row twice makes {words}.",
        measured=gap,
        convention={} if same else {"batch": "its number of rows enters the step"},
    )


def _reads_rows(subject: Subject) -> bool:
    """Return whether the very first step depends on rows with the same gradient.

    Later ones may be beside a period; a seed that shows as much says nothing.
    """
    if "reads rows" not in subject.memory:
        paths = [train_on(subject, plan, 1) for plan in (whole, whole_otherwise)]
        gap = between(*paths)
        subject.memory["reads rows"] = gap > max(tolerance(subject, "layer"), NO_TRACE)
    return bool(subject.memory["reads rows"])


def _drawn(subject: Subject) -> float:
    """Return the distance that another seed makes."""
    return between(train_on(subject, whole, reseed=7), train_on(subject, whole))


def _raises(
    subject: Subject, check_id: str, plan: Plan, error: Exception, words: str
) -> CheckResult:
    message = f"{words} {told(error)}."
    if stated(error):
        return CheckResult(check=check_id, outcome=Outcome.VARIANT, message=message)
    ending = f"""
try:
    train({plan.__name__})
except Exception as error:
    print(type(error).__name__)
"""
    return CheckResult(
        check=check_id,
        outcome=Outcome.LIMIT,
        message=message,
        **shown(subject, (plan,), ending, type(error).__name__),
    )


def _said(subject: Subject, words_of: re.Pattern[str] = SAID) -> bool:
    """Return whether docstrings, or methods and theirs, hold such words."""
    optimizer: Any = subject.open([torch.full((6, 4), 0.5, dtype=torch.float64)]).optimizer
    methods = [f for k in own_classes(optimizer) for f in vars(k).values() if inspect.isroutine(f)]
    words = [documentation(subject, optimizer)]
    words += [f"{f.__name__} {inspect.getdoc(f) or ''}" for f in methods]
    return bool(words_of.search(" ".join(words)))
