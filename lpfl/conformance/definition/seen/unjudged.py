"""Why a claim is not judged by its steps: chance, or the training loop, decides them."""

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.precision import noise
from lpfl.conformance.definition.settings import fitting
from lpfl.conformance.signatures import own_update

CHANCE = 1e-3
"""Distance of two seeds above which steps are drawn."""


def by_loop(comparison: Comparison) -> str:
    """Return in words that the training loop sets the curvature, or nothing."""
    if "curvature" not in comparison.oracle.options:
        return ""
    method = own_update(comparison.runs_optimizer())
    return f"its curvature is that of {method}(), which step() does not call" if method else ""


def by_chance(comparison: Comparison) -> str:
    """Return in words that two seeds of torch make other steps, or nothing."""
    for run in comparison.runs(fitting(comparison.oracle)):
        apart = noise(comparison, run)
        if apart > CHANCE:
            words = "not judged, for chance decides the steps"
            return f"{words}: two seeds of torch are {apart:.2g} of a step apart"
    return ""
