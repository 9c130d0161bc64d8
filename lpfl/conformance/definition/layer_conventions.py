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
    FEWER_ROWS,
    FITTING,
    HOLDING,
    LONG,
    MANY_ROWS,
    LayerRun,
    LayerScenario,
    run_layers,
    without_biases,
)
from lpfl.conformance.definition.seen.decay_apart import DecayApart
from lpfl.conformance.oracles.layer_axes import NEVER, TAKES
from lpfl.conformance.oracles.layerwise import LayerOracle
from lpfl.conformance.subject import Subject, Undrivable

EXACT = 1e-7
LOOSE = 1e-4
SAMPLED = 0.2
FARTHEST = 3
OPTIONAL = frozenset({"weight decay", "decayed", "average", "momentum"})
"""Axes that an option switches on: beside FARTHEST - 1 others, all of them may differ."""
BLOWN_UP = 1e4
"""Length of an update, in that of the start weights, from which a run diverges and says nothing."""
SELDOM = (10, 20, 25, 50, 100)
"""Steps after which factors may be renewed where no option says it: a short run does not tell."""
LATER = frozenset({"average takes", "renewed", "period"})
"""Axes that the first step does not tell."""


@dataclass
class LayerFit:
    """How one reading does: worst error, settings held, and the first that was not."""

    convention: Mapping[str, str]
    hidden: Mapping[str, Any]
    worst: float = 0.0
    held: tuple[str, ...] = ()
    missed: LayerRun | None = None


class LayerComparison:
    """A layer-wise subject beside one reference; biases: whether layers have any."""

    def __init__(self, subject: Subject, oracle: LayerOracle, *, biases: bool = True) -> None:
        self.subject, self.oracle, self.biases = subject, oracle, biases
        self.notes: list[str] = []
        self.where = option_names.places(subject, oracle)
        self.defaults = option_names.defaults(subject, oracle, self.where)
        self.switched = option_names.neutral(subject, oracle, self.where)
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
        start = _norm(run.weights[0])
        for us, refs in zip(run.moves(), wanted, strict=False):
            if out and not _norm(us) <= BLOWN_UP * start:
                break
            away = _norm([u - r for u, r in zip(us, refs, strict=True)])
            out.append(away / max(_norm(us), _norm(refs), 1e-300))
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
        averages = "decay" in self.where or bool(fit.hidden.get("decay"))
        return fit.convention["average takes"] == TAKES[1] and not averages

    def never_renewed(self, fit: LayerFit) -> tuple[LayerRun, LayerFit] | None:
        """Return the long run, and the reading of it, in which the first factors are kept for ever.

        A reading of another period that fits the long run takes the place of ``fit``'s own.
        """
        if fit.hidden.get("period", 1) < FITTING.steps or (run := self.run(LONG)) is None:
            return None
        if not _norm(run.weights[-1]) < BLOWN_UP:
            return None
        for period in SELDOM:
            seldom = LayerFit(fit.convention, {**fit.hidden, "period": period})
            if max(self.errors(run, seldom)) <= LOOSE:
                fit.hidden = seldom.hidden
                return None
        kept = LayerFit({**fit.convention, "renewed": NEVER}, fit.hidden)
        errors = self.errors(run, kept)
        return (run, kept) if len(errors) > SELDOM[-1] and max(errors) <= LOOSE else None

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
        return [
            LayerFit({**first.convention, **f.convention}, {**first.hidden, **f.hidden})
            for f in fits
        ]

    def _axes(self, *, later: bool) -> list[list[tuple[str, Any, int]]]:
        """Return per axis, or hidden option, its (name, value, place) that may be tried."""
        oracle, axes = self.oracle, []
        for axis, values in oracle.conventions.items():
            switch = oracle.relevant.get(axis)
            hides = switch in oracle.hidden and switch not in self.where
            alive = switch is None or hides or bool(self.common.get(switch, self.defaults[switch]))
            if axis == "bias" and self.in_charge:
                values = values[:-1]
            axes.append([(axis, v, i) for i, v in enumerate(values if alive else values[:1])])
        for name, hidden in oracle.hidden.items():
            if name not in self.where:
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
                worst = max(self.errors(run, fit))
                if not worst <= tolerance:
                    continue
                fit.worst, fit.held = worst, (run.scenario.name,)
                self.hold(fit, tolerance)
                if fit.missed is None:
                    return fit
                if best is None or len(fit.held) > len(best.held):
                    best = fit
        return best

    def hold(self, fit: LayerFit, tolerance: float) -> None:
        """Hold a reading against all other settings, with nothing refitted."""
        for scenario in HOLDING:
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
        moved = any(_norm(row) for row in run.moves())
        if not moved:
            self.notes.append(f"{run.scenario.name}: the convolution is not moved")
        return not moved or said_for_linear_layers(self.subject)

    def random(self) -> bool:
        """Return whether the subject's run depends on torch's global generator."""
        one, two = self.run(FITTING, draws=1), self.run(FITTING, draws=2)
        if one is None or two is None:
            return False
        pairs = zip(one.weights[-1], two.weights[-1], strict=True)
        return any(float((a - b).norm()) > 1e-9 * float(a.norm()) for a, b in pairs)

    def falls_with_rows(self, fit: LayerFit) -> bool:
        """Return whether a reading's error falls from few rows to many as sampling makes it fall.

        Sixteen times the rows leave a fourth of what chance does, and all of another formula.
        """
        few, many = self.run(FEWER_ROWS), self.run(MANY_ROWS)
        if few is None or many is None:
            return False
        return max(self.errors(few, fit)) > 2 * max(self.errors(many, fit))

    def farther_than_chance(self) -> tuple[LayerFit, float] | None:
        """Return the nearest reading on many rows, and how far apart two seeds are there."""
        one, two = self.run(MANY_ROWS), self.run(MANY_ROWS, draws=1)
        if one is None or two is None:
            return None
        tried = [(self.errors(one, f, 1)[0], i, f) for i, f in enumerate(self.readings())]
        worst, _, nearest = min(tried, key=lambda entry: entry[:2])
        nearest.worst = worst
        a, b = one.moves()[0], two.moves()[0]
        away = _norm([x - y for x, y in zip(a, b, strict=True)])
        return nearest, away / max(_norm(a), _norm(b), 1e-300)

    def sampled(self) -> LayerFit | None:
        """Return the reading that a random subject agrees with, to sampling error."""
        run = self.run(MANY_ROWS)
        if run is None:
            return None
        firsts = [f for f in self.readings() if self.errors(run, f, 1)[0] <= SAMPLED]
        fits = [fit for first in firsts for fit in self.continued(first)]
        tried = [(max(self.errors(run, fit)), i, fit) for i, fit in enumerate(fits)]
        near = [entry for entry in tried if entry[0] <= SAMPLED]
        if not near:
            return None
        worst, _, fit = min(near, key=lambda entry: entry[:2])
        fit.worst, fit.held = worst, (run.scenario.name,)
        return fit


def _norm(row: list[Tensor]) -> float:
    return sum(float(x.square().sum()) for x in row) ** 0.5
