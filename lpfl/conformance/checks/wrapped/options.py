"""Options by which one method wraps another: where a subject has them, switched on and off."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.promised.told_of import told_of, undecayed, words_of
from lpfl.conformance.rounding import inner_precision, tolerance
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory

LEAST = 1e-6
APART = 5e-2
"""Distances, relative to the way: up to here runs are the same, from there they are not."""


@dataclass(frozen=True)
class Wrapping:
    """An option with what is told of it, and the options of a run with it on, and with it off."""

    subject: Subject
    name: str
    said: str
    on: Mapping[str, Any]
    off: Mapping[str, Any]

    def acting(self, start: Start, gradients: Gradients) -> Trajectory:
        """Return the run with the option on."""
        return self.subject.run(start, gradients, options=self.on)

    def without(self, start: Start, gradients: Gradients) -> Trajectory:
        """Return the run with the option off."""
        return self.subject.run(start, gradients, options=self.off)

    @property
    def shown(self) -> str:
        """The option and its value, in words."""
        return f"{self.name}={self.on[self.name]!r}"


def wrapping(
    subject: Subject, name: str, on: Mapping[str, Any], off: Mapping[str, Any]
) -> Wrapping:
    """Return an option with these values on and off, both without weight decay."""
    usual = undecayed(subject)
    return Wrapping(subject, name, told_of(subject, name), {**usual, **on}, {**usual, **off})


def named(subject: Subject, names: re.Pattern[str], *, switch: bool = False) -> list[str]:
    """Return options of such a name that are switches, or numbers or None."""
    known = subject.constructor_names
    hidden = subject.default_group.keys() if subject.hides_options else frozenset[str]()
    found = [n for n in sorted({*known, *hidden}) if names.search(n)]
    return [n for n in found if (is_switch if switch else is_number)(subject.default(n))]


def is_switch(value: Any) -> bool:
    """Return whether an option's default is that of a switch."""
    return isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Return whether an option's default is a number, or None, that of an option not in use."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def about(subject: Subject, name: str, words: re.Pattern[str]) -> bool:
    """Return whether the words are in an option's name, its sentences or the subject's own name.

    A name of one letter means what its documentation says.
    """
    kind = type(subject.open([subject.draw([(6, 4)], 0, "about")[0][0]]).optimizer)
    return bool(words.search(f"{name} {told_of(subject, name)} {kind.__name__}"))


def speaks_of(subject: Subject, words: re.Pattern[str]) -> bool:
    """Return whether the documentation has such words."""
    return bool(words.search(words_of(subject)))


def same(subject: Subject, check_id: str) -> float:
    """Return the distance up to which two runs are the same."""
    return max(LEAST, tolerance(subject, check_id))


def is_coarse(subject: Subject) -> bool:
    """Return whether a run is too coarse to tell one rule from another."""
    return inner_precision(subject) == "below float32"
