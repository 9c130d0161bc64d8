"""Several evaluations in a step, one of which gives a parameter no gradient."""

import itertools
from collections.abc import Sequence
from typing import Any

import torch

from lpfl.conformance.drives.closures import ClosureSession
from lpfl.conformance.drives.surrogate import surrogate
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.signatures import says_so, told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.closure"
SHAPES = ((6, 4), (5,))
STEPS = 2
STILL = 1e-9
"""Relative move at a rate of 0 that is rounding: weights are moved and moved back."""
MOVED = 1e-5
WORDS = {True: "the first evaluation of each step", False: "every later evaluation of each step"}
_BODY = """
optimizer, params = begin(start)
for group in optimizer.param_groups:
    group['lr'] = 0.0
try:
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
except Exception as error:
    print(type(error).__name__)
"""


def unfinished(subject: Subject) -> CheckResult | None:
    """Return the finding that a gradient missing in one evaluation leaves weights on trial.

    At a rate of 0, whatever an evaluation moves for a trial is put back.
    """
    shapes = subject.shapes(*SHAPES)
    start, rows = subject.draw(shapes, STEPS, ID, "evaluations")
    if len(shapes) < len(SHAPES) or not _fit(subject, start):
        return None
    usual, most = _moved(subject, start, rows, None, True)
    if most < 2 or usual > STILL:
        return None
    for first, index in itertools.product((False, True), range(len(shapes))):
        how = f"With no gradient for parameter {index + 1} in {WORDS[first]}"
        try:
            moved, _ = _moved(subject, start, rows, index, first)
        except Exception as error:
            outcome = Outcome.VARIANT if says_so(error) else Outcome.LIMIT
            message = f"{how}, step(closure) raises {told(error)}."
            return _answer(subject, outcome, message, None, type(error).__name__, (first, index))
        if moved > MOVED:
            message = f"{how}, weights move by {moved:.2g} of their size at a rate of 0."
            return _answer(subject, Outcome.DEVIATES, message, moved, moved, (first, index))
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


def _answer(
    subject: Subject,
    outcome: Outcome,
    message: str,
    measured: float | None,
    proof: float | str,
    where: tuple[bool, int],
) -> CheckResult:
    more: dict[str, Any] = {}
    if outcome is not Outcome.VARIANT:
        body = _BODY.replace("{first}", str(where[0])).replace("{index}", str(where[1]))
        shapes = subject.shapes(*SHAPES)
        more = evidence(
            subject, body, proof, shapes=shapes, steps=STEPS, stream=(ID, "evaluations")
        )
    return CheckResult(
        check=ID,
        outcome=outcome,
        message=message,
        measured=measured,
        bound=MOVED,
        scenario={"lr": 0.0, "steps": STEPS},
        **more,
    )
