"""Several evaluations in a step, one of which gives a parameter no gradient."""

import itertools
import re
from collections.abc import Sequence
from typing import Any

import torch

from lpfl.conformance.checks.protocol.left_over import left_over
from lpfl.conformance.definition.seen.documented import documentation
from lpfl.conformance.drives.closures import ClosureSession
from lpfl.conformance.drives.surrogate import surrogate
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.closure"
SHAPES = ((6, 4), (5,))
STEPS = 2
STILL = 1e-9
"""Relative move at a rate of 0 that is rounding: weights are moved and moved back."""
MOVED = 1e-5
WORDS = {True: "the first evaluation of each step", False: "every later evaluation of each step"}
AGAIN = re.compile(
    r"closure[^.;]{0,60}\b(twice|two times|(two|2) calls|several times|again)\b|"
    r"\b(twice|two|several)\b[^.;]{0,40}\bclosure|\bSAM\b|sharpness[- ]aware",
    re.IGNORECASE,
)
"""Words by which a step evaluates its closure more than once."""
_BODY = """
optimizer, params = begin(start)
for group in optimizer.param_groups:
    group['lr'] = 0.0
for row in gradients:
    calls = []

    def closure():
        calls.append(1)
        for p in params:
            p.grad = None
        missing = {index} if (len(calls) == 1) is {first} else None
        loss = sum((g * (p - p.detach())).sum() for i, (p, g) in enumerate(zip(params, row))
                   if i != missing)
        loss.backward()
        return loss

    optimizer.step(closure)
print('moved at a rate of 0:', gap(read(optimizer, params), start, [0 * v for v in start]))
"""


def called_again(subject: Subject, start: Sequence[torch.Tensor]) -> Outcome:
    """Return how more calls of a closure than one a step are graded: told, or a limit."""
    told = AGAIN.search(documentation(subject, subject.open(start).optimizer))
    return Outcome.VARIANT if told else Outcome.LIMIT


def unfinished(subject: Subject) -> CheckResult | None:
    """Return the finding that a gradient missing in one evaluation leaves weights on trial.

    At a rate of 0, whatever an evaluation moves for a trial is put back. Before that, one about
    gradients that are there already.
    """
    if answer := left_over(subject):
        return answer
    shapes = subject.shapes(*SHAPES)
    start, rows = subject.draw(shapes, STEPS, ID, "evaluations")
    if len(shapes) < len(SHAPES) or not _fit(subject, start):
        return None
    try:
        usual, most = _moved(subject, start, rows, None, True)
    except Exception:  # it takes no rate of 0
        return None
    if most < 2 or usual > STILL:
        return None
    for first, index in itertools.product((False, True), range(len(shapes))):
        try:
            moved, _ = _moved(subject, start, rows, index, first)
        except Exception:  # said aloud, and nothing is left wrong in silence
            continue
        if moved > MOVED:
            return _left(subject, moved, first, index)
    return None


def _fit(subject: Subject, start: Sequence[torch.Tensor]) -> bool:
    """Return whether a closure alone drives it, and its groups have rates that could be 0."""
    session = subject.open(start)
    rates = [group.get("lr") for group in session.optimizer.param_groups]
    alone = type(session) is ClosureSession and "grad_first" not in subject.needs
    return alone and all(isinstance(lr, int | float) for lr in rates)


def _moved(
    subject: Subject, start: Sequence[torch.Tensor], rows: Any, index: int | None, first: bool
) -> tuple[float, int]:
    """Return the relative move of a run at a rate of 0, and the calls of its busiest step.

    index: the parameter that goes without a gradient in the first or else every later call.
    """
    session = subject.open(start)
    session.set(lr=0.0)
    begin, most = session.values(), 0
    for row in rows:
        calls: list[int] = []

        def closure(row: Any = row, calls: list[int] = calls) -> torch.Tensor:
            calls.append(1)
            session.zero()
            missing = index if (len(calls) == 1) is first else None
            some = [None if i == missing else g for i, g in enumerate(row)]
            loss = surrogate(session.params, some)()
            loss.backward()
            return loss

        session.optimizer.step(closure)
        most = max(most, len(calls))
    size = sum(float(v.square().sum()) for v in begin) ** 0.5
    pairs = zip(session.values(), begin, strict=True)
    return sum(float((a - b).square().sum()) for a, b in pairs) ** 0.5 / size, most


def _left(subject: Subject, moved: float, first: bool, index: int) -> CheckResult:
    body = _BODY.replace("{first}", str(first)).replace("{index}", str(index))
    shapes, stream = subject.shapes(*SHAPES), (ID, "evaluations")
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=(
            f"With no gradient for parameter {index + 1} in {WORDS[first]}, weights move by "
            f"{moved:.2g} of their size at a rate of 0."
        ),
        measured=moved,
        bound=MOVED,
        scenario={"lr": 0.0, "steps": STEPS},
        **evidence(subject, body, moved, shapes=shapes, steps=STEPS, stream=stream),
    )
