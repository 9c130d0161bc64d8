"""The readings of a reference that are tried on a subject, nearest to the paper first."""

import inspect
import itertools
import re
from collections.abc import Mapping
from typing import Any

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.runs import Candidate
from lpfl.conformance.oracles.base import Oracle
from lpfl.conformance.subject import Subject

LARGEST_GRID = 2500
SAID: Mapping[str, str] = {
    "bias correction": r"bias.?correct|correct.?bias|debias",
    "decay": r"decoupl",
    "decayed": r"decay[^.]{0,60}\b(bias(es)?|vectors?|norms?|gains|1-?d|one.dimension|matri)|"
    r"\b(bias(es)?|vectors?|norms?|gains|1-?d)\b[^.]{0,60}decay",
    "exponent": r"exponent\b|inverse.{0,9} root|root.?(order|inv)",
}
"""Axes whose other values are a documented variant where the subject speaks of them."""


def candidates(comparison: Comparison) -> list[Candidate]:
    """Return the readings, ordered by the number of departures and of steps from the paper."""
    oracle = comparison.oracle
    axes: list[list[tuple[str, str]]] = []
    for axis, values in oracle.conventions.items():
        switch = oracle.relevant.get(axis)
        alive = switch is None or comparison.may_be_on(switch)
        axes.append([(axis, value) for value in (values if alive else values[:1])])
    hidden = [
        [(name, value) for value in values]
        for name, values in oracle.hidden.items()
        if name not in comparison.where and name not in oracle.fixed
    ]
    sizes = [len(a) for a in axes + hidden]
    count = 1
    for size in sizes:
        count *= size
    farthest = len(sizes) if count <= LARGEST_GRID else oracle.farthest
    found = []
    for places in itertools.product(*(range(size) for size in sizes)):
        away = sum(place > 0 for place in places)
        if sum(place > 0 for place in places[: len(axes)]) > farthest:
            continue
        chosen = [a[i] for a, i in zip(axes, places[: len(axes)], strict=True)]
        rest = [h[i] for h, i in zip(hidden, places[len(axes) :], strict=True)]
        faults = len(departed(oracle, dict(chosen)))
        found.append((faults, away, places, Candidate(dict(chosen), dict(rest), away)))
    return [c for *_, c in sorted(found, key=lambda entry: entry[:3])]


def neighbours(oracle: Oracle, candidate: Candidate) -> list[Candidate]:
    """Return the readings that leave the paper on one axis on which this one follows it."""
    held = candidate.convention
    return [
        Candidate({**held, axis: value}, candidate.hidden, candidate.distance + 1)
        for axis, (paper, *values) in oracle.conventions.items()
        if held[axis] == paper
        for value in values
        if value not in oracle.departures.get(axis, frozenset())
    ]


def departed(oracle: Oracle, convention: Mapping[str, str]) -> dict[str, str]:
    """Return the axes on which a convention is another method."""
    faults = oracle.departures
    return {a: v for a, v in convention.items() if v in faults.get(a, frozenset())}


def varied(oracle: Oracle, convention: Mapping[str, str]) -> dict[str, str]:
    """Return the axes on which a convention is a documented variant of the method."""
    kinds = oracle.variants
    return {a: v for a, v in convention.items() if v in kinds.get(a, frozenset())}


def unusual(oracle: Oracle, convention: Mapping[str, str]) -> dict[str, str]:
    """Return the axes on which a convention is not the paper's."""
    return {a: v for a, v in convention.items() if v != oracle.conventions[a][0]}


def documentation(subject: Subject, optimizer: Any) -> str:
    """Return the docstrings of a subject's class, constructor and factory."""
    kind = type(optimizer)
    texts = [kind.__dict__.get("__doc__"), getattr(kind.__dict__.get("__init__"), "__doc__", "")]
    factory = subject.spec.factory
    if not inspect.isclass(factory):
        texts.append(getattr(factory, "__doc__", ""))
    return " ".join(text or "" for text in texts)


def for_linear_layers(subject: Subject, optimizer: Any) -> bool:
    """Return whether a subject says that it is for linear layers alone."""
    said = r"linear layers|nn\.Linear|fully.connected|dense layers"
    return bool(re.search(said, documentation(subject, optimizer), re.IGNORECASE))


def documented(subject: Subject, optimizer: Any, faults: Mapping[str, str]) -> set[str]:
    """Return the axes of departures of which the subject's options or docstrings speak.

    Weight decay as an L2 term is not excused so: it is what the decoupled methods do away with.
    """
    words = " ".join([documentation(subject, optimizer), *map(str, subject.default_group)])
    told = {a for a in faults if a in SAID and re.search(SAID[a], words, re.IGNORECASE)}
    return {a for a in told if not faults[a].startswith("L2")}
