"""What a step costs, counted in calls of functions: the same on every machine, at any load.

Runs are made shorter, or not at all, for optimizers that are slow. Were that decided by a clock,
the load of the machine would show in the results. A call takes about a microsecond.
"""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from lpfl.conformance.drives.marks import marks
from lpfl.conformance.learning.layers import one_layer, opened, squared_loss
from lpfl.conformance.signatures import Undrivable

if TYPE_CHECKING:
    from lpfl.conformance.subject import Subject

WARM, COUNTED = 3, 6
SLOWEST = 4_000
"""Calls a training step above which no training is made; most make a few hundred, L-BFGS 6,300."""
USUAL = 150.0
"""What is assumed of an optimizer whose steps cannot be counted."""


def calls_per_step(subject: "Subject") -> float:
    """Return how many functions, of Python and of C, a step on drawn gradients calls in the mean.

    ``USUAL`` for an optimizer that cannot make an ordinary step.
    """
    return _kept(subject, "calls per step", _drawn)


def calls_per_training_step(subject: "Subject") -> float:
    """Return the same for a step of training a layer, where a closure is called more often."""
    return _kept(subject, "calls per training step", _training)


def _kept(
    subject: "Subject", name: str, steps: Callable[["Subject"], Callable[[int], Any]]
) -> float:
    if name not in subject.memory:
        try:
            counted = _counted(steps(subject))
        except Exception:
            counted = USUAL
        subject.memory[name] = counted
    return float(subject.memory[name])


def _drawn(subject: "Subject") -> Callable[[int], Any]:
    shapes = subject.shapes((6, 4), (5,))[:1]
    start, gradients = subject.draw(shapes, WARM + COUNTED, "cost")
    session = subject.open(start)
    return lambda t: session.step(gradients[t])


def _training(subject: "Subject") -> Callable[[int], Any]:
    (weight,), batches = subject.draw([(3, 4)], 2 * (WARM + COUNTED), "training cost")
    model = one_layer(weight)
    session = opened(subject, model)
    losses = [squared_loss(model, torch.cat([b[0]] * 4) + 1.0, torch.cat([b[0]] * 4)[:, :3])
              for b in batches]  # fmt: skip
    return lambda t: session.advance(losses[t])


def _counted(step: Callable[[int], Any]) -> float:
    calls = 0

    def count(frame: Any, event: str, arg: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    for t in range(WARM):
        step(t)
    outer = sys.getprofile()
    with marks(True):
        sys.setprofile(count)
        try:
            for t in range(WARM, WARM + COUNTED):
                step(t)
        finally:
            sys.setprofile(outer)
    return calls / COUNTED


def require_trainable(subject: "Subject") -> None:
    """Raise Undrivable for an optimizer whose step is too dear for hundreds of trainings."""
    calls = calls_per_training_step(subject)
    if calls > SLOWEST:
        raise Undrivable(
            f"a step makes {calls:.0f} calls of functions: none above {SLOWEST} is trained with"
        )


def affordable(
    subject: "Subject", runs: int, *, calls: float, least: int = 16, most: int = 60
) -> int:
    """Return ``most`` steps, the half, or ``least``: what ``runs`` runs do with so many calls.

    Raises: Undrivable if even the least takes three times as many.
    """
    each = runs * calls_per_training_step(subject)
    for steps in (most, (most + least) // 2, least):
        if each * steps <= calls:
            return steps
    if each * least > 3 * calls:
        raise Undrivable(f"a step makes {each / runs:.0f} calls, too many for {runs} runs")
    return least
