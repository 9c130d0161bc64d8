"""Which named convention of a layer-wise method a subject follows on small networks."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor

from lpfl.conformance.definition import option_names
from lpfl.conformance.definition.grid import said_for_linear_layers
from lpfl.conformance.definition.layer_runs import (
    FITTING,
    HOLDING,
    LayerRun,
    LayerScenario,
    run_layers,
    without_biases,
)
from lpfl.conformance.definition.seen.decay_apart import DecayApart
from lpfl.conformance.oracles.layer_axes import RENEWED, TAKES
from lpfl.conformance.oracles.layer_periods import AT, AXES, schedules
from lpfl.conformance.oracles.layerwise import LayerOracle
from lpfl.conformance.subject import Subject, Undrivable

EXACT = 1e-7
LOOSE = 1e-4
FARTHEST = 3
OPTIONAL = frozenset({"weight decay", "decayed", "average", "momentum"})
"""Axes that an option switches on: beside FARTHEST - 1 others, all of them may differ."""
BLOWN_UP = 1e4
"""Length of an update, in that of the start weights, from which a run diverges and says nothing."""
LATER = frozenset({"average takes", *AXES, "period", "inverse_period"})
"""Axes that the first step does not tell."""
PERIODS = ("period", "inverse_period")


@dataclass
class LayerFit:
    """How one reading does: worst error, settings held, and the first that was not."""

    convention: Mapping[str, str]
    hidden: Mapping[str, Any]
    worst: float = 0.0
    held: tuple[str, ...] = ()
    missed: LayerRun | None = None


class LayerComparison:
    """A layer-wise subject beside one reference; biases: whether layers have any.

    off: values of options that are not part of the definition.
    """

    def __init__(
        self,
        subject: Subject,
        oracle: LayerOracle,
        *,
        biases: bool = True,
        off: Mapping[str, Any] | None = None,
    ) -> None:
        self.subject, self.oracle, self.biases = subject, oracle, biases
        self.notes: list[str] = []
        self.where = option_names.places(subject, oracle)
        self.defaults = option_names.defaults(subject, oracle, self.where)
        self.switched = {**option_names.neutral(subject, oracle, self.where), **(off or {})}
        table = {**option_names.PROBES, **oracle.probes}
        names = [n for n in self.where if not isinstance(self.defaults[n], bool)]
        self.common = {n: table[n] for n in names if n in table}
        for name in self._refused():
            self.common.pop(name)
        self._runs: dict[str, LayerRun | None] = {}
        self._apart: dict[int, DecayApart] = {}

    def _refused(self) -> list[str]:
        """Return the option that must stay at its default for the others to be taken."""
        for left_out in [[], *([name] for name in self.common)]:
            moved = {n: v for n, v in self.common.items() if n not in left_out}
            try:
                given = option_names.written(self.subject, self.where, moved)
                self.subject.open_on(FITTING.build().double(), options={**self.switched, **given})
                return left_out
            except Exception:
                continue
        return []

    @cached_property
    def in_charge(self) -> bool:
        """Whether the optimizer holds the biases of the layers."""
        model = FITTING.build().double()
        try:
            optimizer = self.subject.open_on(model).optimizer
        except Exception:
            return True
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        return any(id(p) in held for name, p in model.named_parameters() if "bias" in name)

    def run(self, scenario: LayerScenario, draws: int | None = None) -> LayerRun | None:
        """Return the subject's run in a scenario, made once; None if it raises there."""
        key = f"{scenario.name}, {draws}"
        if key not in self._runs:
            moved = {} if scenario.at_defaults else {**self.common}
            wanted = {n: v for n, v in (scenario.options or {}).items() if n in self.where}
            moved |= wanted
            given = {**self.switched, **option_names.written(self.subject, self.where, moved)}
            options = {**self.defaults, **moved}
            try:
                if scenario.options and not wanted:
                    raise Undrivable("the subject does not know the option")
                seen = scenario if self.biases else without_biases(scenario)
                self._runs[key] = run_layers(self.subject, seen, options, given, draws=draws)
            except Exception as error:
                self.notes.append(f"{scenario.name}: {type(error).__name__}: {str(error)[:90]}")
                self._runs[key] = None
        return self._runs[key]

    def least(self, run: LayerRun, fit: LayerFit) -> float:
        """Return how far the first update is at least from a reading, whatever its decay."""
        return self._apart.setdefault(id(run), DecayApart(self.oracle, run)).bound(fit)

    def errors(self, run: LayerRun, fit: LayerFit, steps: int | None = None) -> list[float]:
        """Return per step the relative distance of the update from a reading."""
        wanted = self.wanted(run, fit, run.scenario.steps if steps is None else steps)
        out: list[float] = []
        start = norm(run.weights[0])
        for us, refs in zip(run.moves(), wanted, strict=False):
            if out and not norm(us) <= BLOWN_UP * start:
                break
            away = norm([u - r for u, r in zip(us, refs, strict=True)])
            out.append(away / max(norm(us), norm(refs), 1e-300))
        return [e if e == e else float("inf") for e in out]

    def wanted(self, run: LayerRun, fit: LayerFit, steps: int) -> list[list[Tensor]]:
        """Return the update of every layer in each of the first steps, by a reading."""
        return self.oracle.updates(
            run.weights[:steps],
            run.seen[:steps],
            options={**run.options, **fit.hidden},
            convention=fit.convention,
        )

    def stale(self, fit: LayerFit) -> bool:
        """Return whether a reading uses the factors of one earlier batch: that is no average."""
        return fit.convention["average takes"] != TAKES[0] and not self.averages(fit)

    def averages(self, fit: LayerFit) -> bool:
        """Return whether a reading averages factors over batches."""
        return "decay" in self.where or bool(fit.hidden.get("decay"))

    def readings(self) -> list[LayerFit]:
        """Return the readings that differ in the first step, nearest to the paper's first."""
        found = []
        for chosen in itertools.product(*self._axes(later=False)):
            away = [axis for axis, _, place in chosen if place]
            fixed = [axis for axis in away if axis not in OPTIONAL]
            if len(away) <= FARTHEST or len(fixed) < FARTHEST:
                found.append((len(away), tuple(place for *_, place in chosen), chosen))
        found.sort(key=lambda entry: entry[:2])
        return [self._fit(chosen) for *_, chosen in found]

    def continued(self, first: LayerFit) -> list[LayerFit]:
        """Return the readings that agree with one in the first step."""
        found = sorted(
            itertools.product(*self._axes(later=True)), key=lambda c: sum(p > 0 for *_, p in c)
        )
        fits = [self._fit(chosen) for chosen in found]
        joined = [
            LayerFit({**first.convention, **f.convention}, {**first.hidden, **f.hidden})
            for f in fits
        ]
        return [fit for fit in joined if self._shows(fit)]

    def _shows(self, fit: LayerFit) -> bool:
        """Return whether a reading's rules for the periods differ from others' at these periods."""
        named = {**self.defaults, **self.common, **fit.hidden}
        of_factors, of_inverses = (named[name] or 1 for name in PERIODS)
        if of_factors == of_inverses == 1:
            plain = all(fit.convention[axis] == self.oracle.conventions[axis][0] for axis in AXES)
            return plain and fit.convention["average takes"] != TAKES[2]
        at = "inverses renewed at steps"
        idle = fit.convention["renewed"] == RENEWED[0] and of_inverses == 1
        return not idle or fit.convention[at] == self.oracle.conventions[at][0]

    @property
    def both_periods(self) -> bool:
        """Whether the subject has an option for either period."""
        return set(PERIODS) <= set(self.where)

    def _axes(self, *, later: bool) -> list[list[tuple[str, Any, int]]]:
        """Return per axis, or hidden option, its (name, value, place) that may be tried."""
        oracle, axes = self.oracle, []
        for axis, values in oracle.conventions.items():
            switch = oracle.relevant.get(axis)
            hides = switch in oracle.hidden and switch not in self.where
            alive = switch is None or hides or bool(self.common.get(switch, self.defaults[switch]))
            if axis == "bias" and self.in_charge:
                values = values[:-1]
            if axis == "renewed" and self.both_periods:
                values = values[:1]
            if axis in AT:  # plain gradients before are no reading of the first step
                values = values[:2]
            axes.append([(axis, v, i) for i, v in enumerate(values if alive else values[:1])])
        for name, hidden in oracle.hidden.items():
            apart = name != "inverse_period" or "period" in self.where
            if name not in self.where and apart:
                axes.append([(name, v, i) for i, v in enumerate(hidden)])
        return [axis for axis in axes if (axis[0][0] in LATER) == later]

    def _fit(self, chosen: Sequence[tuple[str, Any, int]]) -> LayerFit:
        named = {name: value for name, value, _ in chosen}
        axes = self.oracle.conventions
        return LayerFit(
            {n: v for n, v in named.items() if n in axes},
            {n: v for n, v in named.items() if n not in axes},
        )

    def search(self, run: LayerRun, tolerance: float = LOOSE) -> LayerFit | None:
        """Return the nearest reading that holds everywhere, else the one that holds longest."""
        best: LayerFit | None = None
        for first in self.readings():
            if self.least(run, first) > tolerance:
                continue
            if not self.errors(run, first, 1)[0] <= tolerance:
                continue
            for fit in self.continued(first):
                if not max(self.errors(run, fit, 3)) <= tolerance:
                    continue
                worst = max(self.errors(run, fit))
                if not worst <= tolerance:
                    continue
                fit.worst, fit.held = worst, (run.scenario.name,)
                self.hold(fit, tolerance)
                fit = self._scheduled(fit, tolerance)
                if fit.missed is None:
                    return fit
                if best is None or len(fit.held) > len(best.held):
                    best = fit
        return best

    def _scheduled(self, fit: LayerFit, tolerance: float) -> LayerFit:
        """Return the reading, with another rule for the periods if only that is off."""
        run = fit.missed
        if run is None or not set(PERIODS) & set(run.scenario.options or {}):
            return fit
        for convention in schedules(fit.convention, both=self.both_periods):
            other = LayerFit(convention, fit.hidden, fit.worst, fit.held[:1])
            if max(self.errors(run, other)) <= tolerance:
                self.hold(other, tolerance)
                if other.missed is None:
                    return other
        return fit

    def hold(self, fit: LayerFit, tolerance: float) -> None:
        """Hold a reading against all other settings, with nothing refitted."""
        for scenario in HOLDING:
            if not set(scenario.options or {}) <= set(self.where):
                continue
            run = self.run(scenario)
            if run is None or self.leaves_alone(run):
                continue
            worst = max(self.errors(run, fit))
            if not worst <= tolerance:
                fit.missed = run
                return
            fit.worst, fit.held = max(fit.worst, worst), (*fit.held, scenario.name)

    def leaves_alone(self, run: LayerRun) -> bool:
        """Return whether the subject moves no convolution of a run that has some, or claims none.

        An optimizer of linear layers alone is judged on them; ``inv.convolution`` says the rest.
        """
        if not run.scenario.convolves:
            return False
        moved = any(norm(row) for row in run.moves())
        if not moved:
            self.notes.append(f"{run.scenario.name}: the convolution is not moved")
        return not moved or said_for_linear_layers(self.subject)


def norm(row: Sequence[Tensor]) -> float:
    """Return the length of all entries together."""
    return sum(float(x.square().sum()) for x in row) ** 0.5
