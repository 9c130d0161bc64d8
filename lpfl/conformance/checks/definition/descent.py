"""Descent: 0.5 |p|^2 falls at a small learning rate."""

import math
from typing import Any

import torch

from lpfl.conformance.checks.api.rate import without_decay
from lpfl.conformance.definition.alternatives import usual_rate
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Subject

ID = "def.descent"
STEPS = 10
MOVE = 1e-2
"""Wanted relative way in ten steps; the learning rate is scaled towards it."""
RISE = 1e-9
SMALLER = 100.0
"""Factor of a rate at which steps that are long where gradients are small do not overshoot."""


@check(ID, tags=("def",), cost=0.1, control=True)
def descent(subject: Subject) -> CheckResult:
    """0.5 |p|^2 never rises above its start in the first ten steps at a small learning rate."""
    options = without_decay(subject)
    start, _ = subject.draw(subject.shapes((6, 4), (5,)), 1, ID)
    losses = _losses(subject, start, options)
    rate = usual_rate(subject)
    moved = abs(losses[-1] / losses[0] - 1)
    if rate is not None and rate > 0 and subject.accepts("lr") and moved > 10 * MOVE:
        options["lr"] = rate * MOVE / moved
        losses = _losses(subject, start, options)
    if rate is not None and rate > 0 and subject.accepts("lr") and _rises(losses):
        smaller = {**options, "lr": options.get("lr", rate) / SMALLER}
        if not _rises(tried := _losses(subject, start, smaller)):
            options, losses = smaller, tried
    rises = _rises(losses)
    change = losses[-1] / losses[0] - 1
    message = f"The relative change of 0.5 |p|^2 in ten small steps is {change:.2g}."
    if not rises:
        stands = change > -1e-14
        if stands:
            message += " It stands still at first."
        return CheckResult(
            check=ID, outcome=Outcome.CONFORMS, message=message, measured=change, bound=0.0
        )
    other = _losses(subject, start, options, seed=subject.seed + 7)
    if abs(other[rises[0]] - losses[rises[0]]) > 1e-12 * losses[0]:
        message += " It is random: another seed goes another way."
        return CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)
    away = _losses(
        subject, start, options, centre=subject.draw([v.shape for v in start], 0, "c")[0]
    )
    if max(away) <= away[0] * (1 + RISE):
        message += " Around another point it falls: it leaves out what is along the weights."
        return CheckResult(check=ID, outcome=Outcome.VARIANT, message=message, measured=change)
    highest = max(losses[t] for t in rises) / losses[0] - 1
    body = f"""
optimizer, params = begin(start, **{options!r})
loss = lambda: sum(0.5 * float(p.detach().square().sum()) for p in params)
losses = [loss()]
for _ in range({STEPS}):
    step(optimizer, params, read(optimizer, params))
    losses.append(loss())
print('largest rise', max(losses) / losses[0] - 1)
"""
    shapes = subject.shapes((6, 4), (5,))
    text = program(subject, body, shapes=shapes, steps=1, stream=(ID,))
    text, why = proven(subject, text, highest)
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=_uphill(highest, rises),
        measured=highest,
        bound=RISE,
        scenario={"options": options, "steps": STEPS},
        snippet=text,
        details={"losses": losses, **({"snippet": why} if why else {})},
    )


def _rises(losses: list[float]) -> list[int]:
    """Return the steps after which the loss is above its start, or no number."""
    return [t for t, loss in enumerate(losses) if t and not loss <= losses[0] * (1 + RISE)]


def _uphill(highest: float, rises: list[int]) -> str:
    if not math.isfinite(highest):
        return f"The loss 0.5 |p|^2 is not finite from step {rises[0]} on."
    return f"The loss 0.5 |p|^2 rises by {highest:.2g} of itself, on steps {rises}: uphill."


def _losses(
    subject: Subject,
    start: list[torch.Tensor],
    options: dict[str, Any],
    seed: int | None = None,
    centre: list[torch.Tensor] | None = None,
) -> list[float]:
    """Return 0.5 |p - centre|^2 before and after each step; the centre is zero by default."""
    session = subject.open(start, options=options, seed=seed)
    middle = [torch.zeros_like(v) for v in session.values()] if centre is None else centre
    losses: list[float] = []
    for t in range(STEPS + 1):
        away = [v - c for v, c in zip(session.values(), middle, strict=True)]
        losses.append(sum(0.5 * float(v.square().sum()) for v in away))
        if t < STEPS:
            session.step([v.to(p) for v, p in zip(away, session.params, strict=True)])
    return losses
