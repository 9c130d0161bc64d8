"""Which single option of a subject does not act as its definition says."""

from typing import Any

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.conventions import fitted
from lpfl.conformance.definition.runs import Candidate
from lpfl.conformance.definition.scenarios import Scenario
from lpfl.conformance.definition.settings import fitting

NEAR = 3
"""Axes on which a reading may differ from the paper when an option is held to be at fault."""


def option_at_fault(comparison: Comparison) -> tuple[str, Any, Candidate] | None:
    """Return an option, a value with which a convention fits, and that reading; or None."""
    movable = [n for n in comparison.common if n not in comparison.oracle.fixed and n != "lr"]
    values = [(name, comparison.defaults[name]) for name in movable]
    values += [(name, 0.0) for name in movable if name == "weight_decay"]
    for name, value in values:
        if value is None or value == comparison.common[name]:
            continue
        shapes = fitting(comparison.oracle).shapes
        scenario = Scenario(f"{name} = {value!r}", shapes, options={name: value})
        runs = comparison.runs(scenario)
        for fit in fitted(comparison, runs, nearest=NEAR, departures=False) if runs else ():
            return name, value, fit.candidate
    return None
