"""Numbers that are lost by rounding where gradients stay as they are for long."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from lpfl.conformance.checks.switches import switches, works
from lpfl.conformance.learning.cost import calls_per_step
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.running import control_for
from lpfl.conformance.signatures import Undrivable
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.steady"
STEPS = 300
SHAPE = (8, 8)
CALLS = 1e5
"""Calls of functions that a run may make."""
MEMORY = ("alpha", "rho", "beta", "beta1", "beta2")
SHORT = 0.9
"""What these options are set to: averages reach their end in a shorter run."""


@check(ID, tags=("api",), cost=0.1, needs=("inject",))
def steady(subject: Subject) -> CheckResult:
    """300 equal float32 gradients leave numbers with each switch turned over, as without it.

    What is positive in exact arithmetic, a variance, may be rounded below zero under a root. An
    estimate that grows while gradients agree loses its numbers without a switch too.
    """
    if switches(subject) and not subject.handles(SHAPE):
        raise Undrivable("it takes charge of no matrices")
    if switches(subject) and STEPS * calls_per_step(subject) > CALLS:
        raise Undrivable("its steps are too dear for a long run")
    if answer := _answer(subject):
        own = Subject(control_for(subject.spec), seed=subject.seed, device=str(subject.device))
        return _shared(answer, own) if _answer(own) else answer
    message = f"The number of switches that lose numbers in {STEPS} equal float32 gradients is 0."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)


def _answer(subject: Subject) -> CheckResult | None:
    """Return the finding about the first switch that loses numbers, if one does."""
    short = _short(subject)
    if switches(subject) and _lost(subject, short) == 0:
        for name, value in switches(subject).items():
            options = {**short, name: value}
            if works(subject, options) and (lost := _lost(subject, options)):
                return _finding(subject, options, lost)
    return None


def _shared(answer: CheckResult, own: Subject) -> CheckResult:
    """Return the answer that accuses of nothing, since torch's own optimizer shows it too."""
    message = f"{answer.message} torch's own {own.spec.name} shows the same."
    return replace(answer, outcome=Outcome.INCONCLUSIVE, message=message)


def _short(subject: Subject) -> dict[str, Any]:
    """Return options that give the averages a short memory, as far as they are known."""
    found: dict[str, Any] = {}
    for name in (*MEMORY, "betas"):
        held = subject.default(name)
        if isinstance(held, float) and subject.accepts(name):
            found[name] = SHORT
        elif isinstance(held, tuple | list) and all(isinstance(b, float) for b in held):
            found[name] = (SHORT,) * len(held)
    return found if works(subject, found) else {}


def _lost(subject: Subject, options: Mapping[str, Any]) -> int:
    """Return how many entries are no finite numbers at the end."""
    start, gradients = subject.draw([SHAPE], 1, ID, dtype=torch.float32)
    row = gradients[0]
    session = subject.open(start, options=options)
    for _ in range(STEPS):
        session.step(row)
    return sum(int((~v.isfinite()).sum()) for v in session.values())


def _finding(subject: Subject, options: Mapping[str, Any], lost: int) -> CheckResult:
    said = ", ".join(f"{k}={v}" for k, v in options.items())
    body = f"""
params = [torch.nn.Parameter(v.float()) for v in start]
optimizer = make(params, **{dict(options)!r})
for _ in range({STEPS}):
    step(optimizer, params, [g.float() for g in gradients[0]])
print('entries that are not finite:', sum(int((~p.isfinite()).sum()) for p in params))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.NUMERICS,
        message=f"The number of entries that are not finite after {STEPS} equal float32 gradients "
        f"with {said} is {lost} of {SHAPE[0] * SHAPE[1]}; without the switch it is 0.",
        measured=float(lost),
        bound=0.0,
        scenario={"dtype": "float32", "steps": STEPS, "options": dict(options)},
        **evidence(subject, body, float(lost), shapes=[SHAPE], steps=1, stream=(ID,)),
    )
