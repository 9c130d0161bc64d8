"""The learning rate at which the representation is learned at a given speed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from lpfl.conformance.learning.layers import default_rate, has_rate
from lpfl.conformance.learning.local_rates import Task, decays, local_rate
from lpfl.conformance.signatures import Undrivable
from lpfl.conformance.subject import Subject

TARGET = 0.005
"""Local rate at which runs are made: small against 1 - momentum, so that momentum does not show."""


@dataclass(frozen=True)
class Speed:
    """The learning rate that was found, and the local rate of the fastest direction under it."""

    learning_rate: float | None
    local_rate: float
    tried: dict[str, float] = field(default_factory=dict)


def speed(
    subject: Subject,
    task: Task,
    *,
    target: float = TARGET,
    options: Mapping[str, Any] | None = None,
) -> Speed:
    """Return the learning rate at which the fastest direction decays by ``target`` per step.

    Raises: Undrivable if no learning rate makes it decay.
    """
    key = ("local rate", repr(replace(task, steps=20)), target, repr(options))
    if key not in subject.memory:
        subject.memory[key] = _speed(subject, replace(task, steps=20), target, options)
    found: Speed = subject.memory[key]
    return found


def _speed(subject: Subject, task: Task, target: float, options: Mapping[str, Any] | None) -> Speed:
    default = default_rate(subject) if has_rate(subject) else None
    rate = float(default) if isinstance(default, int | float | Tensor) and default > 0 else 1e-2
    tried: dict[str, float] = {}
    best: Speed | None = None
    for _ in range(8):
        given = rate if has_rate(subject) else None
        try:
            pair = [decays(subject, task, r, given, ((0, 0),), options=options) for r in range(2)]
            found = local_rate([left[0, 0] for left in pair])
        except Undrivable:
            if not has_rate(subject):
                raise
            rate, tried[f"{rate:.3g}"] = 0.1 * rate, math.nan
            continue
        tried[f"{rate:.3g}"] = found
        if found > 0 and (best is None or _away(found, target) < _away(best.local_rate, target)):
            best = Speed(given, found, tried)
        if given is None or (found > 0 and _away(found, target) < math.log(1.5)):
            break
        factor = target / found if found > 1e-4 else 30.0
        rate *= min(max(factor, 0.05), 30.0)
    if best is None:
        raise Undrivable("the representation does not come nearer to the solution at any rate")
    return best


def _away(found: float, target: float) -> float:
    return abs(math.log(found / target))
