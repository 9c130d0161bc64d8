"""Options of a subject moved off their defaults, as far as it takes them and they act."""

from collections.abc import Mapping
from typing import Any

import torch

from lpfl.conformance.definition import option_names
from lpfl.conformance.definition.scenarios import Scenario, draw
from lpfl.conformance.oracles.base import Oracle
from lpfl.conformance.signatures import named_options
from lpfl.conformance.subject import Subject

SHORT = Scenario("small gradients, in short", (), steps=6, profile="small")
TRIED = ((4, 3), (3,))
"""Shapes on which options are tried out; the first that the subject takes."""


class Probing:
    """Tries values off their defaults for a reference's options.

    where: place of each option in the subject. defaults: their values there. notes: gets a
    sentence for each option that is left at its default. switched: options beyond the definition
    with the value that brings the definition back; ``moved`` may empty it.
    """

    def __init__(
        self,
        subject: Subject,
        oracle: Oracle,
        where: Mapping[str, option_names.Place],
        defaults: Mapping[str, Any],
        notes: list[str],
    ) -> None:
        self.subject, self.oracle, self.where = subject, oracle, where
        self.defaults, self.notes = defaults, notes
        self.switched = option_names.neutral(subject, oracle, where)

    def moved(self) -> dict[str, Any]:
        """Return the values of the options that can be moved and act."""
        return self._effective(self._accepted(self._probes()))

    def _probes(self) -> dict[str, Any]:
        """Return values off their defaults for the options that are numbers."""
        table = {**option_names.PROBES, **self.oracle.probes}
        moved = {}
        for name in self.where:
            held = self.defaults[name]
            if name in table and not isinstance(held, bool):
                moved[name] = table[name]
        return {**moved, **self.oracle.fixed}

    def _accepted(self, moved: dict[str, Any]) -> dict[str, Any]:
        """Return the moved options without the one that the constructor refuses, if it does."""
        fixed = self.oracle.fixed
        trials = [(moved, self.switched), (moved, {})]
        for name in moved:
            if name not in fixed:
                trials.append(({k: v for k, v in moved.items() if k != name}, self.switched))
        trials += [(dict(fixed), self.switched), (dict(fixed), {})]
        for options, switched in trials:
            if self._builds(options, switched):
                if left := sorted(set(moved) - set(options)):
                    self.notes.append(f"left at their defaults: {', '.join(left)}")
                self.switched = switched
                return options
        return dict(fixed)

    def _effective(self, moved: dict[str, Any]) -> dict[str, Any]:
        """Return the moved options without those that do nothing when set on the group.

        Options that the constructor takes are kept: there, doing nothing is a finding.
        """
        named = named_options(self.subject.spec.factory)
        kept: dict[str, Any] = {}
        plain = self._short(moved)
        for name, value in moved.items():
            direct = self.where[name].option in named if name in self.where else True
            rest = {k: v for k, v in moved.items() if k != name}
            still = {**moved, "weight_decay": 0.0}
            less = {k: v for k, v in still.items() if k != name}
            alive = self._short(rest) != plain or self._short(less) != self._short(still)
            if direct or plain is None or alive:
                kept[name] = value
            elif self.defaults[name] != value:
                self.notes.append(f"{name} does nothing when it is set on the group")
        return kept

    def _short(self, options: Mapping[str, Any]) -> list[float] | None:
        """Return where a short run ends with these options; None if it raises."""
        return self.ends(self.given(options), {})

    def _takes(self, shape: tuple[int, ...]) -> bool:
        return len(shape) >= self.oracle.least_axes and self.subject.handles(shape)

    def ends(self, given: Mapping[str, Any], later: Mapping[str, Any]) -> list[float] | None:
        """Return where a short run ends; ``later``: options set on the groups of the optimizer."""
        shape = next((s for s in TRIED if self._takes(s)), None)
        if shape is None:
            return None
        key = ("ends", shape, repr(sorted(given.items())), repr(sorted(later.items())))
        if key not in self.subject.memory:
            self.subject.memory[key] = self._ended(shape, given, later)
        return self.subject.memory[key]

    def _ended(
        self, shape: tuple[int, ...], given: Mapping[str, Any], later: Mapping[str, Any]
    ) -> list[float] | None:
        start, gradients = draw(SHORT, shape, self.subject)
        try:
            session = self.subject.open([start], options=given)
            session.set(**later)
            for g in gradients:
                session.step([g])
        except Exception:
            return None
        return [float(x) for x in session.values()[0].reshape(-1)]

    def given(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the subject's own options that give the reference's options these values."""
        return {**self.switched, **option_names.written(self.subject, self.where, options)}

    def _builds(self, options: Mapping[str, Any], switched: Mapping[str, Any]) -> bool:
        given = {**switched, **option_names.written(self.subject, self.where, options)}
        for shape in filter(self.subject.handles, TRIED):
            try:
                self.subject.open([torch.full(shape, 0.5, dtype=torch.float64)], options=given)
            except Exception:
                continue
            return True
        return False
