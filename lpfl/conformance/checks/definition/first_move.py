"""How long an optimizer stands still at first, and whether a period makes it longer."""

from collections.abc import Mapping
from typing import Any

from lpfl.conformance.checks.api.rate import without_decay
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Subject

ID = "def.first-move"
PERIOD, STEPS = 4, 9
PERIODS = (
    "period",
    "precondition_frequency",
    "preconditioning_compute_steps",
    "statistics_compute_steps",
    "update_freq",
    "update_frequency",
    "update_interval",
    "update_period",
    "T",
)
"""Names under which packages keep the number of steps between two updates of a preconditioner."""


@check(ID, tags=("def",), cost=0.1, control=False)
def first_move(subject: Subject) -> CheckResult:
    """The parameters move from the first step on, also where a preconditioner has a period."""
    plain = _still(subject, {name: 1 for name in PERIODS if _counts(subject, name)})
    waits = {}
    for name in PERIODS:
        if _counts(subject, name):
            waits[name] = _still(subject, {name: PERIOD})
    longest = max(waits, key=lambda name: waits[name], default="")
    if waits and waits[longest] > plain and waits[longest] >= PERIOD - 1:
        return _stands(subject, longest, waits[longest])
    words = f"The number of first steps without a move is {plain}."
    outcome = Outcome.VARIANT if plain else Outcome.CONFORMS
    return CheckResult(
        check=ID, outcome=outcome, message=words, measured=float(plain), details={"waits": waits}
    )


def _counts(subject: Subject, name: str) -> bool:
    return subject.accepts(name) and isinstance(subject.default(name), int)


def _still(subject: Subject, options: Mapping[str, Any]) -> int:
    """Return how many first steps move nothing."""
    start, gradients = subject.draw(subject.shapes((6, 4)), STEPS, ID)
    run = subject.run(start, gradients, options={**without_decay(subject), **options})
    moved = [
        any(float(m.abs().max()) > 0 for m in moves) for moves in zip(run.moves(), strict=True)
    ]
    return moved.index(True) if True in moved else STEPS


def _stands(subject: Subject, name: str, steps: int) -> CheckResult:
    options = {**without_decay(subject), name: PERIOD}
    body = f"""
optimizer, params = begin(start, **{options!r})
still = 0
for g in gradients:
    before = read(optimizer, params)
    step(optimizer, params, g)
    if any(bool((p != b).any()) for p, b in zip(params, before)):
        break
    still += 1
print('first steps without a move', still)
"""
    shapes = subject.shapes((6, 4))
    text = program(subject, body, shapes=shapes, steps=STEPS, stream=(ID,))
    text, why = proven(subject, text, float(steps))
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"The number of first steps without a move is {steps} with {name}={PERIOD}: "
        "nothing moves before the period is over.",
        measured=float(steps),
        bound=0.0,
        scenario={"options": {name: PERIOD}},
        snippet=text,
        details={"snippet": why} if why else {},
    )
