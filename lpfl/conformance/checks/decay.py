"""Weight decay pulls towards zero, and reaches weights of every size."""

import re
from collections.abc import Mapping
from typing import Any

import torch

from lpfl.conformance.checks.api.options import VISIBLE, strong
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import rounds_away
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import distance

ID = "api.decay"
STEPS = 3
LARGER = ((7, 5), (40, 32))
"""Sizes beyond the ranks and gates of most methods."""
NONE = 1e-12
APART = re.compile(r"decay[^.]*(matri|projected|low.rank|layer|vector|size)", re.IGNORECASE)
"""Words about weights that decay otherwise."""
SMALL = [[2.0, 1.5, 1.0], [0.75, 0.5, 0.25]]


@check(ID, tags=("api",), cost=0.1, needs=("weight_decay",))
def decay(subject: Subject) -> CheckResult:
    """With a zero gradient, weight decay makes a weight smaller, or does nothing.

    Judged by the norm, once with positive and once with negative weights: a decay that passes
    through a matrix preconditioner may well turn a weight. One that is strong may pass the other
    side of zero, so that growth counts if a hundredth of it makes weights grow too. Where it
    shrinks a small matrix, it does something to larger ones.
    """
    strength = {"weight_decay": 0.1, **strong(subject)}
    growths = _growths(subject, strength)
    sign = max(growths, key=lambda one: growths[one])
    if not rounds_away(growths[sign]):
        weak = {**strength, "weight_decay": 0.001}
        if not rounds_away(_change(subject, sign, weak)[0]):
            return _grows(subject, sign, growths[sign], strength)
        strength, growths = weak, _growths(subject, weak)
    change = _change(subject, 1.0, strength)[1]
    shrinks = not any(rounds_away(-growth) for growth in growths.values())
    for shape in subject.shapes(*LARGER) if shrinks else ():
        if _left(subject, shape, strength):
            return _spared(subject, shape, strength, growths[1.0])
    return CheckResult(
        check=ID,
        outcome=Outcome.CONFORMS,
        message=f"The decay without a gradient is {_kind(change, strength)}.",
        measured=float(change.mean()),
    )


def _growths(subject: Subject, strength: Mapping[str, Any]) -> dict[float, float]:
    """Return the sign of a weight -> the growth of its norm by decay alone."""
    return {sign: _change(subject, sign, strength)[0] for sign in (1.0, -1.0)}


def _grows(subject: Subject, sign: float, away: float, strength: Mapping[str, Any]) -> CheckResult:
    body = f"""
weights = {sign} * torch.tensor({SMALL}, dtype=torch.float64)
ends = run([weights], [[0 * weights]] * {STEPS}, **{dict(strength)!r})
print('growth of the norm', float(ends[0].norm() / weights.norm() - 1))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"The growth of a weight under decay without gradient is {away:.2g} of it.",
        measured=away,
        bound=0.0,
        scenario={"options": strength, "gradient": 0.0, "steps": STEPS},
        **evidence(subject, body, away, shapes=[(2, 3)], steps=1, stream=(ID,)),
    )


def _change(
    subject: Subject, sign: float, strength: Mapping[str, Any]
) -> tuple[float, torch.Tensor]:
    """Return the growth of the norm by decay alone, and the relative change of each entry."""
    weights = sign * torch.tensor(SMALL, dtype=torch.float64)
    end, rest = _with_and_without(subject, weights, torch.zeros_like(weights), strength)
    growth = float((end.norm() - rest.norm()) / weights.norm())
    return growth, (end - rest) / weights


def _with_and_without(
    subject: Subject, weights: torch.Tensor, gradient: torch.Tensor, strength: Mapping[str, Any]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return where a weight ends with decay, and without.

    What zeros alone do is another check's: an end that is not finite counts as the start.
    """
    rows = [[gradient]] * STEPS
    run = subject.run([weights], rows, options=strength)
    still = subject.run([weights], rows, options={**strength, "weight_decay": 0.0})
    return run.end[0], still.end[0] if still.finite else weights


def _left(subject: Subject, shape: tuple[int, ...], strength: Mapping[str, Any]) -> bool:
    """Return whether decay does nothing to a weight of this shape, beside a gradient neither."""
    (weights,), ((gradient,),) = subject.draw([shape], 1, ID)
    for given in (torch.zeros_like(gradient), gradient):
        end, rest = _with_and_without(subject, weights, given, strength)
        if not distance([end], [rest]) <= NONE * float(weights.norm()):
            return False
    return True


def _spared(
    subject: Subject, shape: tuple[int, ...], strength: Mapping[str, Any], growth: float
) -> CheckResult:
    size = " x ".join(map(str, shape))
    message = (
        f"The weight decay of {STEPS} steps without a gradient is {-growth:.2g} of a 2 x 3 weight, "
        f"and 0 of one of {size}, beside a gradient too"
    )
    optimizer = subject.open([torch.full((6, 4), 0.5, dtype=torch.float64)]).optimizer
    if APART.search(documentation(subject, optimizer)):
        message = f"{message}: its documentation speaks of weights that decay otherwise."
        return CheckResult(check=ID, outcome=Outcome.VARIANT, message=message, measured=0.0)
    body = f"""
rows = gradients * {STEPS}
a = run(start, rows, **{dict(strength)!r})
b = run(start, rows, **{ {**strength, "weight_decay": 0.0}!r})
print('acts:', gap(a, b, start) > {VISIBLE})
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"{message}.",
        measured=0.0,
        bound=NONE,
        scenario={"options": strength, "shapes": [(2, 3), shape], "steps": STEPS},
        **evidence(subject, body, "acts: False", shapes=[shape], steps=1, stream=(ID,)),
    )


def _kind(change: torch.Tensor, strength: Mapping[str, Any]) -> str:
    size = float(change.abs().max())
    if size < NONE:
        return "none: it acts beside a gradient only"
    if float((change - change.mean()).abs().max()) > 1e-6 * size:
        return "not by one factor (it enters the gradient)"
    per_step = -float(change.mean()) / STEPS
    return f"by the factor 1 - {per_step:.3g} a step, with weight_decay={strength['weight_decay']}"
