"""A reading beyond those that are searched, found by its first step, that fits a whole run."""

from lpfl.conformance.definition.layer_conventions import (
    EXACT,
    LOOSE,
    LayerComparison,
    LayerFit,
)
from lpfl.conformance.definition.layer_diagnosis import diagnose
from lpfl.conformance.definition.layer_runs import LayerRun
from lpfl.conformance.oracles.layer_axes import NEVER


def diagnosed(comparison: LayerComparison, run: LayerRun) -> LayerFit | None:
    """Return the diagnosed reading, held in the other settings, if it fits every step exactly."""
    found = diagnose(comparison, run)
    known = comparison.oracle.conventions
    named = {a: v for a, v in found.reading.convention.items() if a in known}
    if NEVER in found.text or not all(v in known[axis] for axis, v in named.items()):
        return None
    errors = comparison.errors(run, LayerFit(named, found.reading.hidden))
    if len(errors) < run.scenario.steps or max(errors) > EXACT:
        return None
    fit = LayerFit(named, found.reading.hidden, max(errors), (run.scenario.name,))
    comparison.hold(fit, LOOSE)
    return fit
