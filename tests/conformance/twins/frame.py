"""The frame of the twins: a rule for one parameter becomes an optimizer, with a mistake or not."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from tests.conformance.reported.per_parameter import PerParameter

DEVIATES, LIMIT = "deviates", "limit"


@dataclass(frozen=True)
class Method:
    """A rule ``rule(p, g, state, options, fault)`` that changes p in place, and its options."""

    rule: Callable[..., None]
    claims: frozenset[str]
    options: Mapping[str, Any]
    frame: type = None

    def twin(self, fault: str = "") -> type:
        """Return an optimizer class with its options in the signature."""
        names = [inspect.Parameter("params", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
        for name, value in self.options.items():
            kind = inspect.Parameter.KEYWORD_ONLY
            names.append(inspect.Parameter(name, kind, default=value))
        frame = self.frame or Frame
        members = {"rule": staticmethod(self.rule), "of_method": self.options, "fault": fault}
        kind = type(self.rule.__name__, (frame,), members)
        kind.__signature__ = inspect.Signature(names)
        return kind


@dataclass(frozen=True)
class Twin:
    """A mistake: the rule's name, what is done wrong, and check -> outcome that must say so."""

    method: str
    fault: str
    caught_by: Mapping[str, str] = field(default_factory=lambda: {"def.trajectory": DEVIATES})


class Frame(PerParameter):
    """Steps every parameter that has a gradient by the rule."""

    def update(self, p, g, state, group):
        self.rule(p, g, state, Options(group), self.fault)


class Options:
    """Entries of a group as attributes."""

    def __init__(self, group):
        self.__dict__.update(group)


def count(s):
    """Return the number of this step, from 1."""
    s["t"] = s.get("t", 0) + 1
    return s["t"]


def average(s, name, value, beta):
    """Return beta old + (1 - beta) value, from zero, kept in the state."""
    return s.setdefault(name, torch.zeros_like(value)).mul_(beta).add_(value, alpha=1 - beta)


def method(*claims, frame=None, **options):
    """Turn a rule into a Method that makes these claims."""
    return lambda rule: Method(rule, frozenset(claims), options, frame)
