"""One of many parameters of one shape that has no gradient any more: it stays where it is."""

from collections.abc import Mapping
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.joint.empty import PATHS
from lpfl.conformance.checks.joint.many import CALLS, FEWER, KINDS
from lpfl.conformance.learning.cost import calls_per_step
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import Undrivable, told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.frozen-of-many"
STEPS = 3
FEW = 2 * KINDS
SINCE = 2
"""Steps after which the first and the last of the parameters have no gradient."""


@check(ID, tags=("api",), cost=0.05, needs=("params",))
def frozen_of_many(subject: Subject) -> CheckResult:
    """Of 130 parameters, those that have no gradient in a later step move no more than of 8."""
    shape = next(iter(subject.shapes((3,), (4, 3))), None)
    if shape is None or FEWER * STEPS * calls_per_step(subject) > CALLS:
        raise Undrivable(f"it takes no small parameter, or its steps are too dear for {FEWER}")
    start, gradients = subject.draw([shape] * KINDS, STEPS, ID)
    raised = 0
    for options in ({}, *({path: True} for path in PATHS if subject.accepts(path))):
        try:
            of_few = _moved(subject, start, gradients, options, FEW)
        except Exception:
            raised += 1
            continue  # api.no-gradient says what raises
        if of_few > 0:
            continue
        try:
            moved: float | str = _moved(subject, start, gradients, options, FEWER)
        except Exception as error:
            moved = told(error)
        if moved:
            return _finding(subject, shape, options, moved)
    if raised == 1 + sum(map(subject.accepts, PATHS)):
        raise Undrivable("a step in which two of eight parameters have no gradient raises")
    message = f"Those of {FEWER} parameters without a gradient move as far as those of {FEW}."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)


def _moved(
    subject: Subject, start: Start, gradients: Gradients, options: Mapping[str, Any], count: int
) -> float:
    """Return how far the first and the last of many parameters move while they have no gradient."""
    repeated = lambda row: [row[i % KINDS] for i in range(count)]  # noqa: E731
    session = subject.open(repeated(start), options=options)
    for row in gradients[:SINCE]:
        session.step(repeated(row))
    before = session.values()
    for row in gradients[SINCE:]:
        given: list[torch.Tensor | None] = list(repeated(row))
        given[0] = given[-1] = None
        session.step(given)
    after = session.values()
    return max(float((after[i] - before[i]).abs().max()) for i in (0, -1))


def _finding(
    subject: Subject, shape: tuple[int, ...], options: Mapping[str, Any], moved: float | str
) -> CheckResult:
    body = f"""
def moved(count):
    many = lambda row: [row[i % {KINDS}] for i in range(count)]
    optimizer, params = begin(many(start), **{dict(options)!r})
    for g in gradients[:{SINCE}]:
        step(optimizer, params, many(g))
    before = read(optimizer, params)
    for g in gradients[{SINCE}:]:
        step(optimizer, params, [None, *many(g)[1:-1], None])
    after = read(optimizer, params)
    return max(float((after[i] - before[i]).abs().max()) for i in (0, -1))


print('moved, of {FEW}:', moved({FEW}))
try:
    print('moved, of {FEWER}:', moved({FEWER}))
except Exception as error:
    print('raises', str(error)[:40])
"""
    said = "".join(f" with {k}={v}" for k, v in options.items())
    raises = isinstance(moved, str)
    what = f"the step raises {moved}" if raises else f"they move by up to {moved:.2g}"
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT if raises else Outcome.DEVIATES,
        message=f"Of {FEWER} parameters{said}, two have no gradient from step {SINCE + 1} "
        f"on: {what}; of {FEW} parameters they do not move.",
        measured=None if isinstance(moved, str) else moved,
        scenario={"parameters": FEWER, "shape": shape, "options": dict(options)},
        **evidence(
            subject,
            body,
            "raises" if isinstance(moved, str) else moved,
            shapes=[shape] * KINDS,
            steps=STEPS,
            stream=(ID,),
        ),
    )
