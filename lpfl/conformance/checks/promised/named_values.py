"""Values of an optimizer's own options that its signature or its documentation names."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from lpfl.conformance.checks.off_by_default import entry
from lpfl.conformance.checks.promised.told_of import told_of, words_of
from lpfl.conformance.checks.switches import switches, works
from lpfl.conformance.signatures import parameters_of
from lpfl.conformance.subject import Subject

QUOTED = re.compile(r"[\"'`]+([A-Za-z][\w.+-]*)[\"'`]+")
FEW = (2, 3)
"""Whole numbers by which an option counts parts of something."""
ONE = frozenset({"seed", "version", "verbose"})


def said_of(subject: Subject, name: str) -> str:
    """Return the sentences that name an option, and its entry in a list of options."""
    return f"{told_of(subject, name)} {entry(words_of(subject), name)}"


def texts(subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield (option, value) for options whose default is a text, with each other named text."""
    for name in sorted(subject.constructor_names):
        held = subject.default(name)
        if not isinstance(held, str):
            continue
        named = dict.fromkeys([*_literals(subject, name), *QUOTED.findall(said_of(subject, name))])
        for value in named:
            if value not in {held, name} and works(subject, {name: value}):
                yield name, value


def counts(subject: Subject) -> Iterator[tuple[str, int]]:
    """Yield (option, value) for options whose default is a whole number, with small other ones."""
    for name in sorted(subject.constructor_names - ONE):
        held = subject.default(name)
        if isinstance(held, int) and not isinstance(held, bool):
            yield from ((name, n) for n in FEW if n != held and works(subject, {name: n}))


def other_values(subject: Subject) -> list[Mapping[str, Any]]:
    """Return options with one switch turned over, one count or one text other than by default."""
    if "other values" not in subject.memory:
        found = [*switches(subject).items(), *counts(subject), *texts(subject)]
        subject.memory["other values"] = [{name: value} for name, value in found]
    return list(subject.memory["other values"])


def _literals(subject: Subject, name: str) -> list[str]:
    """Return the texts among which the annotation of an option lets one choose."""
    kinds = [p.annotation for p in parameters_of(subject.spec.factory) if p.name == name]
    parts = [part for kind in kinds for part in (kind, *get_args(kind))]
    found = [v for part in parts if get_origin(part) is Literal for v in get_args(part)]
    return [v for v in found if isinstance(v, str)]
