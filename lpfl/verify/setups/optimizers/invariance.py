"""Optimizers in two coordinate systems: who takes part, how far runs part, and the table of it."""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from lpfl import decide, optim
from lpfl.decide import Outcome, Verdict
from lpfl.measure.invariance import input_transform_deviation, magnification
from lpfl.optim import Method
from lpfl.optim.core.invariances import EVERY, GAUGES
from lpfl.verify.expect import Above, Comparison, Decided, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.tolerance import judgement, rounding
from lpfl.verify.trial import Trial

STEPS = 4
REPLICATES = 2
VISIBLE = judgement(
    1e-4, "rounding leaves 1e-11 of the path of training and the smallest breach seen is 1e-3"
)
# White inputs and n >= 10 d: Sh, F'F and the squares of A have condition numbers below 1e4.
CONDITION = 1e4
# Options beside the step size that LR-27 speaks of: name in the table -> optimizer and options.
VARIANTS = {"ngd, equivariant gauge": ("ngd", {"gauge": "equivariant"})}


@dataclass(frozen=True)
class Entrant:
    """One row: an optimizer ready to run, or the error that building it gave."""

    name: str
    make: Callable[[], Method]
    steps: int
    method: Method | None = None
    error: str = ""

    @property
    def states(self) -> tuple[str, ...] | None:
        """The changes of variables that the optimizer says it commutes with."""
        return None if self.method is None else self.method.invariances

    @property
    def damping(self) -> float:
        """The damping that the optimizer runs with."""
        return 0.0 if self.method is None else float(self.method.hyperparameters.get("damping", 0))

    def defined(self, transform: str) -> bool:
        """Say whether the transform is one of the method: not the gauge of orthonormal rows."""
        return self.method is not None and not (self.method.orthonormal and transform in GAUGES)


def entrants(scenario: Scenario) -> Iterator[Entrant]:
    """Build every optimizer in OPTIMIZERS, and the variants."""
    for name in optim.OPTIMIZERS:
        yield _entrant(name, name, scenario, {})
    for label, (name, options) in VARIANTS.items():
        yield _entrant(label, name, scenario, options)


def _entrant(label: str, name: str, scenario: Scenario, options: Mapping[str, Any]) -> Entrant:
    factory, steps, chosen = optim.OPTIMIZERS[name], STEPS, dict(options)
    try:
        if "step_size" in inspect.signature(factory).parameters:
            chosen["step_size"] = scenario.step_size
        if name == "soap":
            # It is a function of its inputs once its statistics have full rank on every layer.
            longest = max(scenario.input_dim, scenario.output_dim)
            chosen["warmup"] = math.ceil(longest / scenario.rank) + 1
            steps += int(scenario.input_dim)
        make = partial(factory, **chosen)
        return Entrant(label, make, steps, make())
    except Exception as error:
        return Entrant(label, factory, steps, error=_said(error))


@dataclass(frozen=True)
class Cell:
    """One optimizer under one transform: what was measured, and how that is judged."""

    words: str
    comparison: Comparison | None = None


def cells(trial: Trial, entrant: Entrant) -> dict[str, Cell]:
    """Return transform -> cell; an optimizer that cannot run has one undecided comparison."""
    if entrant.error:
        return _stopped(entrant, entrant.error)
    run = {
        "input_dim": trial.input_dim,
        "output_dim": trial.output_dim,
        "rank": trial.rank,
        "batch_size": trial.batch_size,
        "noise_std": trial.noise_std,
        "steps": entrant.steps,
        "seed": trial.integer_seed("run"),
        "replicates": REPLICATES,
        "dtype": trial.dtype,
        "device": trial.device,
    }
    try:
        deviations = {
            transform: input_transform_deviation(entrant.make, transform=transform, **run)
            for transform in EVERY
            if entrant.defined(transform)
        }
        magnified = max(1.0, magnification(entrant.make, **run)) if entrant.states else 1.0
    except Exception as error:
        return _stopped(entrant, _said(error))
    return {
        transform: _cell(trial, entrant, transform, deviations.get(transform), magnified)
        for transform in EVERY
    }


def _cell(
    trial: Trial, entrant: Entrant, transform: str, deviation: float | None, magnified: float
) -> Cell:
    if deviation is None:
        return Cell("—")
    if entrant.states is None:
        return Cell(f"not stated ({_digits(deviation)})")
    label = f"{entrant.name}: {transform}".replace("_", " ")
    comparison: Comparison
    if transform in entrant.states:
        tolerance = rounding(
            trial.dtype,
            dim=trial.input_dim,
            condition=CONDITION * magnified,
            why=f"condition numbers below 1e4, magnified {magnified:.2g} times by the run",
        )
        comparison = Same(
            part="kept",
            measured=deviation,
            predicted=trial.number("kept"),
            scale=1.0,
            tolerance=tolerance,
            label=label,
        )
    else:
        comparison = Above(part="broken", measured=deviation, least=VISIBLE, label=label)
    return Cell(words(transform in entrant.states, comparison.decide(trial.alpha)), comparison)


def words(stated: bool, verdict: Verdict) -> str:
    """Return what a cell of the table says of a decided comparison."""
    said = {
        Outcome.CONFIRMED: "commutes" if stated else "does not commute",
        Outcome.REFUTED: "stated, does NOT commute" if stated else "not stated, COMMUTES",
        Outcome.INCONCLUSIVE: "undecided",
    }
    return f"{said[verdict.outcome]} ({_digits(verdict.measured)})"


def _stopped(entrant: Entrant, error: str) -> dict[str, Cell]:
    """An optimizer that cannot be built or run: nothing about it is confirmed."""
    verdict = decide.Verdict(
        Outcome.INCONCLUSIVE, statistic=1.0, margin=0.0, detail=f"{entrant.name}: {error}"
    )
    first = Decided(part="kept", verdict=verdict, label=f"{entrant.name}: does not run")
    return {
        transform: Cell("does not run", None if at else first) for at, transform in enumerate(EVERY)
    }


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _digits(value: float | None) -> str:
    """Return two digits of ``value`` with a minus sign at which no line breaks."""
    return "—" if value is None else f"{value:.2g}".replace("-", "\N{MINUS SIGN}")


def table_of(rows: Mapping[str, Mapping[str, Cell]]) -> dict[str, Any]:
    """Return the table of optimizers x transforms in words, from name -> transform -> cell."""
    return {
        "title": "What each optimizer commutes with",
        "header": ["optimizer", *(transform.replace("_", " ") for transform in EVERY)],
        "rows": [
            [name.replace("_", " "), *(cell.words for cell in row.values())]
            for name, row in rows.items()
        ],
        "note": (
            "Two runs start from the same function on the same batches, one of them transformed. "
            "The first three columns map the inputs, x to A x and G to G A⁻¹. The gauge columns "
            "change the basis of the representation, G to R G and F to F R⁻¹. The number is the "
            f"distance of the products F G of the two runs after {STEPS} steps, in units of the "
            f"change by training, the larger of {REPLICATES} replicates. SOAP takes more steps, "
            "one per input dimension, so that its statistics have full rank. “commutes”: the "
            "optimizer states it, and the runs are equal up to rounding. “does not commute”: the "
            f"optimizer does not state it, and the runs differ by at least {VISIBLE.value:g}. "
            "“not stated”: the optimizer says nothing about its invariances. “—”: not defined, as "
            "the method orthonormalises the rows of G. First scenario of the run."
        ),
    }
