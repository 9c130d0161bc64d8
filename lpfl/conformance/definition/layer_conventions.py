"""Which named convention of a layer-wise method a subject follows on small networks."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from lpfl.conformance.definition import option_names
from lpfl.conformance.definition.layer_runs import (
    FITTING,
    HOLDING,
    MANY_ROWS,
    LayerRun,
    LayerScenario,
    run_layers,
)
from lpfl.conformance.oracles.layerwise import LayerOracle
from lpfl.conformance.subject import Subject, Undrivable

EXACT = 1e-7
LOOSE = 1e-4
SAMPLED = 0.2
FARTHEST = 3


@dataclass
class LayerFit:
    """How one reading does: worst error, settings held, and the first that was not."""

    convention: Mapping[str, str]
    hidden: Mapping[str, Any]
    worst: float = 0.0
    held: tuple[str, ...] = ()
    missed: LayerRun | None = None


class LayerComparison:
    """A layer-wise subject beside one reference."""

    def __init__(self, subject: Subject, oracle: LayerOracle) -> None:
        self.subject, self.oracle = subject, oracle
        self.notes: list[str] = []
        self.where = option_names.places(subject, oracle)
        self.defaults = option_names.defaults(subject, oracle, self.where)
        self.switched = option_names.neutral(subject, self.where)
        table = {**option_names.PROBES, **oracle.probes}
        names = [n for n in self.where if not isinstance(self.defaults[n], bool)]
        self.common = {n: table[n] for n in names if n in table}
        self._runs: dict[str, LayerRun | None] = {}

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
                self._runs[key] = run_layers(self.subject, scenario, options, given, draws=draws)
            except Exception as error:
                self.notes.append(f"{scenario.name}: {type(error).__name__}: {str(error)[:90]}")
                self._runs[key] = None
        return self._runs[key]

    def errors(self, run: LayerRun, fit: LayerFit, steps: int | None = None) -> list[float]:
        """Return per step the relative distance of the update from a reading."""
        steps = run.scenario.steps if steps is None else steps
        wanted = self.oracle.updates(
            run.weights[:steps],
            run.seen[:steps],
            options={**run.options, **fit.hidden},
            convention=fit.convention,
        )
        out = []
        for us, refs in zip(run.moves(), wanted, strict=False):
            away = _norm([u - r for u, r in zip(us, refs, strict=True)])
            out.append(away / max(_norm(us), _norm(refs), 1e-300))
        return [e if e == e else float("inf") for e in out]

    def readings(self) -> list[LayerFit]:
        """Return the readings, the paper's first, then by the number of axes that differ."""
        oracle, axes = self.oracle, []
        for axis, values in oracle.conventions.items():
            switch = oracle.relevant.get(axis)
            hides = switch in oracle.hidden and switch not in self.where
            alive = switch is None or hides or bool(self.common.get(switch, self.defaults[switch]))
            axes.append([(axis, v) for v in (values if alive else values[:1])])
        hidden = [
            [(name, v) for v in values]
            for name, values in oracle.hidden.items()
            if name not in self.where
        ]
        found = []
        for places in itertools.product(*(range(len(a)) for a in [*axes, *hidden])):
            away = sum(place > 0 for place in places)
            if away <= FARTHEST:
                chosen = dict(a[i] for a, i in zip(axes, places, strict=False))
                rest = dict(h[i] for h, i in zip(hidden, places[len(axes) :], strict=True))
                found.append((away, places, LayerFit(chosen, rest)))
        return [fit for *_, fit in sorted(found, key=lambda entry: entry[:2])]

    def search(self, run: LayerRun, tolerance: float = LOOSE) -> LayerFit | None:
        """Return the nearest reading that holds everywhere, else the one that holds longest."""
        best: LayerFit | None = None
        for fit in self.readings():
            if not self.errors(run, fit, 1)[0] <= tolerance:
                continue
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
            if run is None:
                continue
            worst = max(self.errors(run, fit))
            if not worst <= tolerance:
                fit.missed = run
                return
            fit.worst, fit.held = max(fit.worst, worst), (*fit.held, scenario.name)

    def random(self) -> bool:
        """Return whether the subject's run depends on torch's global generator."""
        one, two = self.run(FITTING, draws=1), self.run(FITTING, draws=2)
        if one is None or two is None:
            return False
        pairs = zip(one.weights[-1], two.weights[-1], strict=True)
        return any(float((a - b).norm()) > 1e-9 * float(a.norm()) for a, b in pairs)

    def sampled(self) -> LayerFit | None:
        """Return the reading that a random subject agrees with, to sampling error."""
        run = self.run(MANY_ROWS)
        if run is None:
            return None
        fits = [(max(self.errors(run, fit)), i, fit) for i, fit in enumerate(self.readings())]
        near = [entry for entry in fits if entry[0] <= SAMPLED]
        if not near:
            return None
        worst, _, fit = min(near, key=lambda entry: entry[:2])
        fit.worst, fit.held = worst, (run.scenario.name,)
        return fit

    def damping_seen(self, run: LayerRun) -> tuple[float, float]:
        """Return the damping with which the paper's reading fits best, and its error there."""
        best = (float("inf"), 0.0)
        for damping in np.logspace(-7, 3, 101):
            fit = LayerFit(self.oracle.paper(), {"damping": float(damping)})
            best = min(best, (self.errors(run, fit, 1)[0], float(damping)))
        return best[1], best[0]


def _norm(row: list[Tensor]) -> float:
    return sum(float(x.square().sum()) for x in row) ** 0.5
