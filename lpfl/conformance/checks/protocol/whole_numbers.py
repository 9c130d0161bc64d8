"""Options that are whole numbers and off by default, such as the length of a warm-up."""

from collections.abc import Mapping
from typing import Any

from lpfl.conformance.checks.switches import PLUMBING
from lpfl.conformance.definition.alternatives import NUMBERS
from lpfl.conformance.learning.cost import calls_per_step
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import gap

SHAPES = ((6, 4), (5,))
STEPS = 12
VALUES = (5, 3, 2)
"""Tried in this order; a run that is saved after 7 steps is within a period of each."""
ACTS = 1e-6
MOST = 8
"""Options that are tried, of those that the constructor names."""

DEAR = 1500
"""Calls a step above which none is tried; most make some hundred."""


def acting(subject: Subject) -> list[Mapping[str, Any]]:
    """Return options {name: number} that are 0 or None by default, and then act on a run."""
    if calls_per_step(subject) > DEAR:
        return []
    names = [n for n in sorted(subject.constructor_names - PLUMBING - NUMBERS.keys()) if n != "lr"]
    off = [n for n in names if _off(subject.default(n))][:MOST]
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, "whole numbers")
    plain = subject.run(start, gradients) if off else None
    found: list[Mapping[str, Any]] = []
    for name in off:
        for value in VALUES:
            try:
                run = subject.run(start, gradients, options={name: value})
            except Exception:  # it stands for something else than a number
                break
            if plain is not None and run.finite and gap(run, plain) > ACTS:
                found.append({name: value})
                break
    return found


def _off(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value == 0)
