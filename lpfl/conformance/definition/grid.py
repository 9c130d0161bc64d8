"""The readings of a reference that are tried on a subject, nearest to the paper first."""

import inspect
import itertools
import math
import re
from collections.abc import Mapping
from typing import Any

import torch

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.runs import Candidate
from lpfl.conformance.definition.seen.documented import docstrings as docstrings
from lpfl.conformance.definition.seen.documented import documentation as documentation
from lpfl.conformance.definition.seen.documented import own_classes as own_classes
from lpfl.conformance.oracles.base import Oracle
from lpfl.conformance.oracles.moments import NOT_DECOUPLED, SCHEDULED
from lpfl.conformance.subject import Subject

LARGEST_GRID = 2600
SAID: Mapping[str, str] = {
    "bias correction": r"\b(no|not|without|omit\w*|skip\w*|never|only|leaves? out|drop\w*)\b"
    r"[^.]{0,40}(correct|debias)|(bias.?correct|debias)[^.]{0,40}"
    r"\b(no|not|only|none|off|omitted|skipped|disabled|left out)\b|correct_bias|bias_correction",
    "decay": r"decoupl",
    "decayed": r"decay[^.]{0,60}\b(bias(es)?|vectors?|norms?|gains|1-?d|one.dimension|matri)|"
    r"\b(bias(es)?|vectors?|norms?|gains|1-?d)\b[^.]{0,60}decay",
    "vectors": r"(exclu|exempt|filter|skip|ignor|decay|without)\w*[^.]{0,60}"
    r"(bias|vector|norm(s|ali)|_norm|\bbn\b|1-?d\b|one.dimension)|"
    r"\b(bias(es)?|vectors?|norms?|bn|1-?d|one.dimension\w*)\b[^.]{0,60}(exclu|exempt|decay)",
    "without weight decay": r"always_adapt|"
    r"\bdecay\b[^.]{0,30}\b(0|zero|off)\b[^.]{0,60}(exclu|left out|skip|without|no\b)[^.]{0,60}"
    r"(trust|ratio|adapt|scal)|"
    r"\b(without|zero|no|only|unless|where)\b[^.]{0,40}decay[^.]{0,80}(trust|ratio|adapt)|"
    r"(trust|ratio|adapt)[^.]{0,80}\b(without|zero|no|only|unless|where)\b[^.]{0,40}decay",
    "exponent": r"exponent[^.]{0,25}(overrid|multipl|free)|(overrid|multipl)\w*[^.]{0,25}exponent|"
    r"root.?(order|inv)|[-^]1/(2|4|k|order)\b|square root|half",
}
"""Axes whose other values are a documented variant where the subject speaks of them."""
LINEAR = r"linear layers|nn\.Linear|fully.connected|dense layers"
CONVOLUTIONS = r"conv|kernel"
ASIDE = (
    r"\b(not(?! only)|no|without|others?|rest|plain|left|ignor\w+|skip\w*|SGD|Adam\w*)\b[^.]{0,40}"
    r"(conv|kernel)|"
    r"(conv|kernel)[^.]{0,60}\b(not|plain|left|ignor\w+|skip\w*|SGD|Adam)\b|"
    rf"({LINEAR})[^.]{{0,20}}\b(alone|only)\b|(?<!not )\bonly (for |on )?({LINEAR})"
)


def choices(
    comparison: Comparison,
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[Any, ...]]]:
    """Return the values of each axis that shows in the fitting setting, and of hidden options.

    Decay by a schedule shows only where lr changes, what a switch is about only where it is on:
    :func:`neighbours` brings them in.
    """
    oracle = comparison.oracle
    axes: dict[str, tuple[str, ...]] = {}
    for axis, values in oracle.conventions.items():
        switch = oracle.relevant.get(axis)
        alive = switch is None or comparison.is_on(switch)
        axes[axis] = tuple(v for v in values if v != SCHEDULED) if alive else values[:1]
    hidden = {
        name: values
        for name, values in oracle.hidden.items()
        if name not in comparison.where and name not in oracle.fixed
    }
    return axes, hidden


def is_cut(comparison: Comparison) -> bool:
    """Return whether the readings are too many to try them all."""
    axes, hidden = choices(comparison)
    return math.prod(len(values) for values in [*axes.values(), *hidden.values()]) > LARGEST_GRID


def candidates(comparison: Comparison) -> list[Candidate]:
    """Return the readings, ordered by the number of departures and of steps from the paper."""
    oracle = comparison.oracle
    named, unnamed = choices(comparison)
    axes = [[(axis, value) for value in values] for axis, values in named.items()]
    hidden = [[(name, value) for value in values] for name, values in unnamed.items()]
    sizes = [len(a) for a in axes + hidden]
    farthest = oracle.farthest if is_cut(comparison) else len(sizes)
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


def neighbours(comparison: Comparison, candidate: Candidate) -> list[Candidate]:
    """Return the readings that leave the paper on one axis on which this one follows it.

    Before them decay by a schedule, if this one decays by a constant: apart only where lr changes.
    The axes of a switch that is off where readings are fitted go together, faults among them.
    """
    oracle, held = comparison.oracle, candidate.convention
    scheduled = SCHEDULED in oracle.conventions.get("decay", ()) and held["decay"] == "not times lr"
    changes = [{"decay": SCHEDULED}] if scheduled else []
    changes += [
        {axis: value}
        for axis, (paper, *values) in oracle.conventions.items()
        if held[axis] == paper
        for value in values
        if value not in oracle.departures.get(axis, frozenset())
    ]
    changes += _switched(comparison)
    return [
        Candidate({**held, **change}, candidate.hidden, candidate.distance + len(change))
        for change in changes
    ]


def _switched(comparison: Comparison) -> list[dict[str, str]]:
    """Return the readings of each switch that is off at first, on its own axes alone."""
    oracle = comparison.oracle
    axes: dict[str, list[str]] = {}
    for axis, switch in oracle.relevant.items():
        if comparison.may_be_on(switch) and not comparison.is_on(switch):
            axes.setdefault(switch, []).append(axis)
    return [
        dict(zip(own, values, strict=True))
        for own in axes.values()
        for values in itertools.product(*(oracle.conventions[axis] for axis in own))
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


def for_linear_layers(subject: Subject, optimizer: Any) -> bool:
    """Return whether a subject, or the module that it comes from, says so: linear layers alone.

    The first docstring that speaks of kinds of layers counts: a base may be for more of them. One
    that speaks of convolutions too says so only where it sets them aside.
    """
    modules = {inspect.getmodule(k) for k in own_classes(optimizer)}
    of_modules = " ".join(getattr(m, "__doc__", "") or "" for m in modules)
    for words in (*docstrings(subject, optimizer), of_modules):
        linear, convolutions, aside = (
            bool(re.search(said, words, re.IGNORECASE)) for said in (LINEAR, CONVOLUTIONS, ASIDE)
        )
        if linear or convolutions:
            return linear and (not convolutions or aside)
    return False


def said_for_linear_layers(subject: Subject) -> bool:
    """Return whether an optimizer that hooks a model says that it is for linear layers alone."""
    if "model" not in subject.needs:
        return False
    start = [torch.full((6, 4), 0.5, dtype=torch.float64)]
    return for_linear_layers(subject, subject.open(start).optimizer)


def unsaid(comparison: Comparison, convention: Mapping[str, str]) -> dict[str, str]:
    """Return the departures of a reading of which the subject says nothing."""
    faults = departed(comparison.oracle, convention)
    said = documented(comparison.subject, comparison.runs_optimizer(), faults)
    return {axis: value for axis, value in faults.items() if axis not in said}


def documented(subject: Subject, optimizer: Any, faults: Mapping[str, str]) -> set[str]:
    """Return the axes of departures of which the subject's options or docstrings speak.

    A word about decoupled decay excuses no other: an L2 term, or an option that does nothing.
    """
    words = " ".join([documentation(subject, optimizer), *map(str, subject.default_group)])
    told = {a for a in faults if a in SAID and re.search(SAID[a], words, re.IGNORECASE)}
    return {a for a in told if a != "decay" or faults[a] not in NOT_DECOUPLED}
