"""Options that are off by default, each with a value that switches it on."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lpfl.conformance.checks.switches import PLUMBING, switches
from lpfl.conformance.definition.alternatives import NUMBERS
from lpfl.conformance.learning.cost import calls_per_step
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory, gap

MEMORY = "options off by default"
SHAPES = ((6, 4), (5,))
STEPS = 12
WHOLE = (5, 3, 2)
"""Tried in this order for a whole number."""
SHARE, WEIGHT = 0.5, 0.9
"""Tried for a number; the second for what is named as the weight of an average."""
AVERAGED = re.compile(r"ema|decay|beta|momentum|average|smooth", re.IGNORECASE)
CALLS = re.compile(r"(^|_)accum(ulat(e|es|ed|ion|ions|ing))?(_|$)|every|freq|period|interval")
"""Names of whole numbers that are off at 1."""
USUAL = frozenset({"lr", "weight_decay", "eps", "epsilon"})
ACTS = 1e-6
LEAST, MOST = 1, 10
"""Options that are looked at, the switches first."""
CALLS_OF_ALL = 6000
"""Calls of a step with each of them; most optimizers make some hundred for one."""
DEAR = 1500
"""Calls a step above which switches alone are; most make some hundred."""


def off_by_default(subject: Subject) -> list[Mapping[str, Any]]:
    """Return each option that is off by default, switched on, with what it needs beside it.

    Those that work in an ordinary run, and where the value is a guess, act on it.
    """
    if MEMORY not in subject.memory:
        found: list[Mapping[str, Any]] = [{n: v} for n, v in switches(subject).items()]
        found += [*_with_momentum(subject), *_numbers(subject)]
        most = max(LEAST, min(MOST, int(CALLS_OF_ALL / calls_per_step(subject))))
        subject.memory[MEMORY] = found[:most]
    return list(subject.memory[MEMORY])


def offered(subject: Subject) -> list[str]:
    """Return the names of the options that the constructor takes, in order."""
    hidden = subject.default_group.keys() if subject.hides_options else frozenset[str]()
    return sorted({*subject.constructor_names, *hidden} - PLUMBING)


def words_of(options: Mapping[str, Any]) -> str:
    """Return options as they are written in a sentence."""
    return " and ".join(f"{name}={value!r}" for name, value in options.items())


def _with_momentum(subject: Subject) -> Iterator[Mapping[str, Any]]:
    if subject.default("nesterov") is False and subject.default("momentum") in (0, None):
        options = {"momentum": NUMBERS["momentum"], "nesterov": True}
        if subject.accepts("momentum") and _ran(subject, options) is not None:
            yield options


def _numbers(subject: Subject) -> Iterator[Mapping[str, Any]]:
    if calls_per_step(subject) > DEAR:
        return
    plain = _ran(subject, {})
    if plain is None:
        return
    for name in offered(subject):
        for value in _values(name, subject.default(name)) if name not in USUAL else ():
            run = _ran(subject, {name: value})
            known = isinstance(subject.default(name), float)
            if run is not None and (known or gap(run, plain) > ACTS):
                yield {name: value}
                break


def _values(name: str, held: Any) -> tuple[Any, ...]:
    """Return values that may switch on what is off at ``held``; none if it is not off."""
    if isinstance(held, bool) or not (held is None or isinstance(held, int | float)):
        return ()
    if name in NUMBERS:
        return () if held else (NUMBERS[name],)
    share = WEIGHT if AVERAGED.search(name) else SHARE
    if held is None:
        return (share, *WHOLE)
    if isinstance(held, float):
        return () if held else (share,)
    return WHOLE if held in (0, -1) or (held == 1 and CALLS.search(name)) else ()


def _ran(subject: Subject, options: Mapping[str, Any]) -> Trajectory | None:
    """Return an ordinary run with these options; None if it raises or ends in no numbers."""
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, MEMORY)
    try:
        run = subject.run(start, gradients, options=options)
    except Exception:
        return None
    return run if run.finite else None
