"""A subject beside a reference: its options under the reference's names, and its runs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.definition import option_names
from lpfl.conformance.definition.probing import Probing
from lpfl.conformance.definition.runs import Candidate, Run, gaps
from lpfl.conformance.definition.scenarios import Scenario, draw, in_vectors
from lpfl.conformance.definition.seen.meanings import otherwise
from lpfl.conformance.oracles.base import Oracle
from lpfl.conformance.signatures import named_options
from lpfl.conformance.subject import Subject

SEEN_EPS = 0.5
"""An epsilon that shows wherever one is added to gradients of small size, or is their floor."""


class Comparison:
    """A subject beside one reference: where its options are, and its runs, each made once.

    at_defaults: options stay at the subject's defaults; nothing is tried out beforehand.
    off: values of options that are not part of the definition. stands: options whose default of
    None takes the value of another.
    """

    def __init__(
        self,
        subject: Subject,
        oracle: Oracle,
        *,
        at_defaults: bool = False,
        off: Mapping[str, Any] | None = None,
        stands: Mapping[str, str] | None = None,
    ) -> None:
        self.subject, self.oracle, self.stands = subject, oracle, stands or {}
        self.where = option_names.places(subject, oracle)
        self.notes: list[str] = []
        for name in otherwise(subject, self.where):
            self.notes.append(f"{self.where.pop(name).option} is told otherwise: not judged here")
        self._runs: dict[tuple[Any, ...], list[Run]] = {}
        self._by_signs: dict[tuple[int, ...], bool] = {}
        self.defaults = option_names.defaults(subject, oracle, self.where)
        self.defaults |= {n: v for n, v in oracle.fixed.items() if n not in self.where}
        self.probing = Probing(subject, oracle, self.where, self.defaults, self.notes)
        for name in self._of_another():
            self.where.pop(name)
            self.defaults[name] = oracle.options[name]
        self.probing.switched |= off or {}
        moved = {} if at_defaults else self.probing.moved()
        self.switched = {**self.probing.switched, **(off or {})}
        self.common = {**oracle.fixed, **moved}
        self.settled = self.defaults if at_defaults else self._settled()

    def _of_another(self) -> list[str]:
        """Return the options that act on vectors alone: averages by a rule claimed for them, eps.

        A method for matrices alone, whose eps does nothing, leaves it to its rule for vectors.
        """
        found = []
        for name, spot in self.where.items():
            averages = spot.option.startswith("beta") and bool(self.subject.beside)
            of_matrices = bool(self.subject.beside) or self.oracle.least_axes > 1
            eps = name == "eps" and of_matrices and name not in self.oracle.fixed
            if name not in option_names.PROBES or not (averages or eps):
                continue
            value = SEEN_EPS if eps else option_names.PROBES[name]
            settings: list[dict[str, Any]] = [{}, {name: value}]
            still, moved = (self.probing.ends(self.probing.given(o), {}) for o in settings)
            if still == moved and (averages or still is not None):
                found.append(name)
        return found

    def _settled(self) -> dict[str, Any]:
        """Return the reference's options as an optimizer built with the common ones holds them."""
        optimizer = self.runs_optimizer(self._given(self.common))
        group = optimizer.param_groups[0] if optimizer is not None else {}
        held = {
            name: spot.read(group[spot.option])
            for name, spot in self.where.items()
            if spot.option in group and spot.holds(group[spot.option])
        }
        return {**self.defaults, **held}

    def _given(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.switched, **option_names.written(self.subject, self.where, options)}

    def settings(self, scenario: Scenario) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return a scenario's options under the reference's and under the subject's names."""
        moved = {**self.oracle.fixed} if scenario.at_defaults else {**self.common}
        if scenario.at_defaults and self.defaults.get("lr", 0.0) is None:
            moved["lr"] = option_names.PROBES["lr"]
        moved |= scenario.options
        options = {**(self.defaults if scenario.at_defaults else self.settled), **moved}
        unknown = [name for name, value in options.items() if value is None]
        for name in unknown:
            usual = self.oracle.hidden.get(name, (self.oracle.options[name],))[0]
            options[name] = {**option_names.OFF, **self.oracle.off}.get(name, usual)
        options |= {n: options[of] for n, of in self.stands.items() if n in unknown}
        return options, self._given(moved)

    def gaps(self, run: Run, candidate: Candidate) -> list[float]:
        """Return per step the relative distance of a run from a reading."""
        return gaps(run, run.reference(self.oracle, candidate))

    def runs_optimizer(self, given: Mapping[str, Any] | None = None) -> Any:
        """Return an optimizer of the subject with these options, or None if none can be built."""
        for shape in ((4, 3), (3,)):
            if self.subject.handles(shape):
                start = [torch.full(shape, 0.5, dtype=torch.float64)]
                try:
                    return self.subject.open(start, options=given).optimizer
                except Exception:
                    continue
        return None

    def runs(self, scenario: Scenario) -> list[Run]:
        """Return the runs of a scenario; shapes the subject does not take are left out."""
        if self.subject.vectors:
            scenario = replace(scenario, shapes=in_vectors(scenario.shapes))
        key = (scenario.name, scenario.shapes, scenario.steps, str(scenario.dtype))
        if key not in self._runs:
            self._runs[key] = self._grouped(scenario) if scenario.second else self._made(scenario)
        return self._runs[key]

    def made(self) -> list[Run]:
        """Return all runs in float64 made so far, in the order of their making."""
        runs = [run for found in self._runs.values() for run in found]
        return [run for run in runs if run.scenario.dtype == torch.float64]

    def is_on(self, name: str) -> bool:
        """Return whether an option is on where readings are fitted; a period of 1 is none."""
        value = self.common.get(name, self.defaults[name])
        return bool(value) and (name != "period" or value > 1)

    def may_be_on(self, name: str) -> bool:
        """Return whether an option is on in some setting: a switch that the subject has counts."""
        switch = name in self.where and isinstance(self.defaults[name], bool)
        return switch or self.is_on(name)

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Return whether the definition concerns this shape and the subject takes it."""
        least = 2 if self.subject.beside else self.oracle.least_axes
        if len(shape) < least or not self.subject.handles(shape):
            return False
        of_matrices = self.oracle.least_axes > 1 or self.oracle.for_matrices
        return not of_matrices or least < 2 or not self.by_signs(shape)

    def by_signs(self, shape: tuple[int, ...]) -> bool:
        """Return whether the first step on this shape has entries of one size.

        A method for matrices that steps other weights so leaves them to an Adam of its own.
        """
        if shape not in self._by_signs:
            options = {"weight_decay": 0.0} if "weight_decay" in self.where else {}
            scenario = Scenario("first step", (shape,), steps=1)
            start, gradients = draw(scenario, shape, self.subject)
            try:
                given = self._given(options)
                values = self.subject.run([start], [[g] for g in gradients], options=given).values
                sizes = (values[1][0] - values[0][0]).abs()
                spread = float(sizes.max() - sizes.min())
                self._by_signs[shape] = sizes.numel() > 1 and spread < 1e-3 * float(sizes.max())
            except Exception:
                self._by_signs[shape] = False
            if self._by_signs[shape]:
                self.notes.append(f"{shape}: steps by signs at first, as Adam does; left out")
        return self._by_signs[shape]

    def per_group(self, name: str) -> bool:
        """Return whether the subject keeps a moved option in its groups."""
        if name not in self.where or name not in self.common or name in self.oracle.fixed:
            return False
        if self.where[name].option not in self.subject.default_group:
            return False
        given = option_names.written(self.subject, self.where, {name: self.common[name]})
        return self.probing.ends({}, given) != self.probing.ends({}, {})

    def _grouped(self, scenario: Scenario) -> list[Run]:
        """Return one run per parameter of an optimizer with two groups."""
        options, given = self.settings(scenario)
        own = option_names.written(self.subject, self.where, {**self.common, **scenario.second})
        shapes = [shape for shape in scenario.shapes if self.takes(shape)]
        if len(shapes) < 2:
            return []
        drawn = [draw(scenario, shape, self.subject) for shape in shapes]
        rows = [list(row) for row in zip(*(gradients for _, gradients in drawn), strict=True)]
        named = named_options(self.subject.spec.factory)
        ours = {k: v for k, v in given.items() if k not in named}
        fixed = {k: v for k, v in given.items() if k in named}
        changed = {self.where[name].option for name in scenario.second}
        theirs = {**ours, **{k: v for k, v in own.items() if k in changed}}
        groups = [([0], ours), (list(range(1, len(shapes))), theirs)]
        try:
            start = [start for start, _ in drawn]
            values = self.subject.run(start, rows, options=fixed, groups=groups).values
        except Exception as error:
            self.notes.append(f"{scenario.name}: raises {type(error).__name__}: {str(error)[:90]}")
            return []
        made = []
        for i, shape in enumerate(shapes):
            used = {**options, **scenario.second} if i else options
            path = [[row[i]] for row in values]
            made.append(Run(scenario, (shape,), used, given, [[row[i]] for row in rows], path))
        return made

    def _made(self, scenario: Scenario) -> list[Run]:
        options, given = self.settings(scenario)
        made = []
        for shape in scenario.shapes:
            if not self.takes(shape):
                continue
            start, gradients = draw(scenario, shape, self.subject)
            rows = [[g] for g in gradients]
            try:
                values = self.remembered(scenario, start, rows, given)
            except Exception as error:
                what = f"{type(error).__name__}: {str(error)[:90]}"
                self.notes.append(f"{scenario.name}, {shape}: raises {what}")
                continue
            made.append(Run(scenario, (shape,), options, given, rows, values))
        return made

    def remembered(
        self,
        scenario: Scenario,
        start: Tensor,
        rows: Sequence[Sequence[Tensor]],
        given: Mapping[str, Any],
    ) -> list[list[Tensor]]:
        """Return the points of a run, made once per subject whatever it is compared with."""
        form = (scenario.strided, str(scenario.dtype), scenario.start)
        setting = (scenario.profile, scenario.steps, *form)
        changes = [
            (t, option_names.written(self.subject, self.where, new))
            for t, new in scenario.changes.items()
        ]
        key = (
            "trajectory",
            tuple(start.shape),
            setting,
            repr(sorted(given.items())),
            repr(changes),
        )
        memory = self.subject.memory
        if key not in memory:
            memory[key] = self.drive(scenario, [start], rows, given)
        return memory[key]

    def drive(
        self,
        scenario: Scenario,
        start: Sequence[Tensor],
        gradients: Sequence[Sequence[Tensor]],
        given: Mapping[str, Any],
    ) -> list[list[Tensor]]:
        """Return the points of one run of the subject, the start among them."""
        session = self.subject.open(start, options=given)
        values = [session.values()]
        for t, row in enumerate(gradients, 1):
            if t in scenario.changes:
                changed = scenario.changes[t]
                session.set(**option_names.written(self.subject, self.where, changed))
            session.step(row)
            values.append(session.values())
        return values
