"""Options beyond a definition that are on by default, and whether the rest is the method.

A warm-up, a clip of the gradient or a graft that the user can switch off is no wrong formula.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.conventions import Fit, fitted, search
from lpfl.conformance.definition.option_names import NEUTRAL, PLUMBING, STANDS, undefined
from lpfl.conformance.definition.settings import fitting
from lpfl.conformance.oracles import oracle_of
from lpfl.conformance.subject import Subject

MOST = 10
"""Ways to switch options off that are tried."""
BOUND = re.compile(
    r"clip|max|bound|limit|thresh|trust|cap\b|norm|total|horizon|decay_steps|"
    r"radius|range|\b(\w+_)?ball\b"
)
"""Names of options that are a bound, or the length of a schedule: off is one never met."""
PERIOD = re.compile(r"every|freq|period|interval")
"""Names of options that are a period: off is one step."""
LARGE = 100.0
"""Least value of a number, not named so, that is likelier a bound than a weight."""


def off_values(name: str, held: Any) -> tuple[Any, ...]:
    """Return values that may switch an option off, likeliest first; ``held`` is its default."""
    if isinstance(held, bool):
        return (False,)
    if isinstance(held, str):
        return (None, "none")
    if isinstance(held, dict):
        return ({}, None)
    if not isinstance(held, int | float):
        return (None,)
    none, one = type(held)(0), type(held)(1)
    bound = BOUND.search(name) or (isinstance(held, float) and held >= LARGE)
    if isinstance(held, int) and PERIOD.search(name):
        return (one, none, None)
    largest = type(held)(1e12)
    return (largest, none, None) if bound else (none, one, None, largest)


def shown(value: Any) -> str:
    """Return a value as it is written in a sentence."""
    return f"{value:g}" if isinstance(value, float) else repr(value)


def ways(subject: Subject, names: list[str]) -> Iterator[dict[str, Any]]:
    """Yield options that switch some of the named ones off: all, then one, then some."""
    tried = {name: off_values(name, subject.default(name)) for name in names}
    every = {name: values[0] for name, values in tried.items()}
    single = [{name: value} for name, value in every.items()]
    products = itertools.product(*([*values, ...] for values in tried.values()))
    some = ({n: v for n, v in zip(names, p, strict=True) if v is not ...} for p in products)
    seen: list[dict[str, Any]] = [{}]
    for off in itertools.islice(itertools.chain([every], single, some), MOST + len(names)):
        if off not in seen:
            seen.append(off)
            yield off


def switched_off(comparison: Comparison) -> tuple[Comparison, Fit, dict[str, Any]] | None:
    """Return the comparison, the reading and the options, off, with which the definition holds."""
    subject, oracle = comparison.subject, comparison.oracle
    for off in ways(subject, beyond(comparison)):
        try:
            other = Comparison(subject, oracle, off=off)
            fits = _as_many(other, comparison)
            fits = fits and next(fitted(other, departures=False), None) is not None
        except Exception:  # a value that the subject does not take
            continue
        fit = search(other) if fits else None
        if fit is not None and fit.miss is None:
            return other, fit, off
    return None


def beyond(comparison: Comparison) -> list[str]:
    """Return the options in use that the subject offers and the definition does not know.

    Also those that are no numbers, and those that it keeps outside of its groups.
    """
    subject = comparison.subject
    group = subject.default_group
    offered = subject.constructor_names - subject.taken
    if subject.hides_options:
        offered = frozenset(map(str, group)) - subject.taken
    names = [n for n in undefined(subject, comparison.where) if n in offered]
    used = {spot.option for spot in comparison.where.values()} | PLUMBING
    others = sorted(offered - used - set(names) - NEUTRAL.keys())
    odd = [n for n in others if isinstance(group.get(n), tuple | dict) or callable(group.get(n))]
    aside = [n for n in others if n not in group and _in_use(subject.default(n))]
    return [*names, *odd, *aside]


def _in_use(held: Any) -> bool:
    """Return whether a default is one that may be switched off: something, and no tensor."""
    known = isinstance(held, bool | int | float | str | tuple | dict) or callable(held)
    return known and not isinstance(held, type) and bool(held)


def stood_for(comparison: Comparison) -> tuple[Comparison, Fit] | None:
    """Return the comparison and the reading with which a default of None is another option's value.

    Nothing where no option that may stand so is None at its default, or the method holds not so.
    """
    held = comparison.defaults
    stands = {n: of for n, of in STANDS.items() if n in comparison.where and held[n] is None}
    if not stands:
        return None
    other = Comparison(comparison.subject, comparison.oracle, stands=stands)
    fit = search(other)
    return (other, fit) if fit is not None and fit.miss is None else None


def _as_many(off: Comparison, on: Comparison) -> bool:
    """Return whether an option's off value leaves every shape its run: else it breaks something."""
    scenario = fitting(on.oracle)
    return len(off.runs(scenario)) >= len(on.runs(scenario))


def extras(subject: Subject) -> Mapping[str, Any]:
    """Return the options, off, without which a subject's steps are not those that it claims.

    Empty where its steps are those it claims as they are, or are so in no way.
    """
    if "extras" not in subject.memory:
        subject.memory["extras"] = _extras(subject)
    found: Mapping[str, Any] = subject.memory["extras"]
    return found


def _extras(subject: Subject) -> Mapping[str, Any]:
    for claim in sorted(subject.spec.claims):
        oracle = oracle_of(claim)
        if oracle is None:
            continue
        try:
            comparison = Comparison(subject, oracle)
            fit = search(comparison)
            if fit is not None and fit.miss is None and comparison.switched:
                return comparison.switched
            odd = beyond(comparison) and (fit is None or fit.miss is not None)
            found = switched_off(comparison) if odd else None
        except Exception:
            continue
        if found is not None:
            return found[2]
    return {}
