"""Steps that grow without end although the gradients stay as they are."""

import math
import re
from itertools import pairwise
from typing import Any

from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.growth"
SHORT, LONG = 100, 300
EACH = 1.2
"""Growth in 30 steps below which a short run is enough."""
MOST = 1e3
"""Growth of the steps that only a factor in each step makes."""
EVEN = 0.25
"""Relative difference of the growth (its logarithm) in two equal times that counts as one rate."""

GROWS = re.compile(
    r"\brange.test|\b(multipl\w+|grow\w*|increas\w+|rais\w+)\b[^.]{0,60}\b(each|every|per) "
    r"(step|batch|iteration|update)\b",
    re.IGNORECASE,
)
"""Words by which the growth is told: a range test is stopped by whoever runs it."""


@check(ID, tags=("api",), cost=0.2, needs=("inject",))
def growth(subject: Subject) -> CheckResult:
    """Equal gradients, and those that turn their sign, give no steps that grow without end.

    Estimates of a rate, bets and warm-ups rightly grow while gradients agree; where they turn in
    every step, nothing is to be gained by it. Only both together are told, at one rate.
    """
    shapes = subject.shapes((6, 4), (5,))[:1]
    try:
        turning = _moves(subject, shapes, SHORT, -1.0)
    except Exception as error:
        message = f"A run of {SHORT} steps raises {told(error)}."
        return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)
    grown = turning[-1] / turning[-61] if turning and turning[-61] else 0.0
    if not turning or grown < EACH**2:
        message = (
            f"The growth of the steps from the {SHORT - 60}th to the {SHORT}th is {grown:.3g}."
        )
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=grown)
    ratios = [_geometric(_moves(subject, shapes, LONG, sign)) for sign in (1.0, -1.0)]
    least = min(ratios)
    if least < MOST:
        message = f"The steps grow, but not without end: by {least:.3g} at one rate."
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=least)
    start, _ = subject.draw(shapes, 1, ID)
    if GROWS.search(documentation(subject, subject.open(start).optimizer)):
        message = f"The steps grow by {least:.2g} in {LONG} steps, at one rate, as it is told."
        return CheckResult(check=ID, outcome=Outcome.VARIANT, message=message, measured=least)
    body = f"""
def grown(sign):
    optimizer, params = begin(start)
    before, moves = start, []
    for t in range({LONG}):
        step(optimizer, params, [sign**t * g for g in gradients[0]])
        after = read(optimizer, params)
        moves.append(sum(float((x - y).square().sum()) for x, y in zip(after, before)) ** 0.5)
        before = after
    return moves[-1] / moves[{LONG // 2 - 1}]


print('growth in the second half', min(grown(1.0), grown(-1.0)))
"""
    half = min(_half(_moves(subject, shapes, LONG, sign)) for sign in (1.0, -1.0))
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"The steps grow by a factor of {least:.2g} in {LONG} steps, at one rate, with "
        "gradients that stay as they are and with such that turn their sign in every step: "
        "the parameters leave all bounds.",
        measured=least,
        bound=MOST,
        scenario={"steps": LONG, "gradients": "equal, and of turning sign"},
        **evidence(subject, body, half, shapes=shapes, steps=1, stream=(ID,)),
    )


def _moves(subject: Subject, shapes: Any, steps: int, sign: float) -> list[float]:
    """Return the length of each step; an empty list where numbers are lost."""
    start, gradients = subject.draw(shapes, 1, ID)
    run = subject.run(start, [[sign**t * g for g in gradients[0]] for t in range(steps)])
    return [float(m.norm()) for m in run.moves()] if run.finite else []


def _half(moves: list[float]) -> float:
    return moves[-1] / moves[LONG // 2 - 1]


def _geometric(moves: list[float]) -> float:
    """Return the growth from the first steps to the last, or 0 if it has not one rate."""
    if not moves or not all(m > 0 for m in moves[LONG // 4 :]):
        return 0.0
    marks = [moves[LONG * k // 4 - 1] for k in (1, 2, 3, 4)]
    rates = [math.log(b / a) for a, b in pairwise(marks)]
    if min(rates) <= 0 or max(rates) > (1 + EVEN) * min(rates):
        return 0.0
    return moves[-1] / max(moves[:10])
