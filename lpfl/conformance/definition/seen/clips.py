"""Which rule a layer-wise subject has for its clip, where it steps as defined without one."""

import itertools
from collections.abc import Iterator

from lpfl.conformance.definition.layer_conventions import LOOSE, LayerComparison, LayerFit
from lpfl.conformance.definition.layer_runs import FITTING, LayerRun
from lpfl.conformance.oracles.layer_axes import (
    CLIP,
    CLIP_FACTOR,
    CLIP_FACTORS,
    CLIP_OVER,
    CLIPPED_OVER,
)

OFF = 1e12
"""A bound that no step reaches."""


def at_fault(comparison: LayerComparison, run: LayerRun) -> tuple[str, LayerFit] | None:
    """Return what is wrong with the clip, and the reading without it; None if more is wrong."""
    if "clip" not in comparison.where or not run.options["clip"]:
        return None
    name = comparison.where["clip"].option
    held = comparison.subject.default(name)
    plain = unclipped(comparison, OFF if held else held)
    if plain is None:
        return None
    readings = {kind: LayerFit({**plain.convention, "clip": kind}, plain.hidden) for kind in CLIP}
    for words, fit in _suspects(readings):
        if max(comparison.errors(run, fit)) <= LOOSE:
            return f"{name}, {words}", readings[fit.convention["clip"]]
    if all(max(comparison.errors(run, fit)) <= LOOSE for fit in _without(plain)):
        return f"{name} is not used", readings[CLIP[0]]
    words = f"{name} does not act as the definition says (without it every step fits)"
    return words, min(readings.values(), key=lambda fit: comparison.errors(run, fit)[0])


def unclipped(comparison: LayerComparison, off: float | None) -> LayerFit | None:
    """Return the reading that a subject follows everywhere as long as nothing is clipped."""
    name = comparison.where["clip"].option
    other = LayerComparison(
        comparison.subject, comparison.oracle, biases=comparison.biases, off={name: off}
    )
    other.common.pop("clip", None)
    other.where.pop("clip")
    other.defaults["clip"] = 0.0
    run = other.run(FITTING)
    fit = other.search(run) if run is not None else None
    return fit if fit is not None and fit.missed is None else None


def _without(plain: LayerFit) -> list[LayerFit]:
    return [LayerFit(plain.convention, {**plain.hidden, "clip": 0.0})]


def _suspects(readings: dict[str, LayerFit]) -> Iterator[tuple[str, LayerFit]]:
    axes = [(CLIP_OVER, words) for words in CLIPPED_OVER]
    axes += [(CLIP_FACTOR, words) for words in CLIP_FACTORS]
    for (axis, words), fit in itertools.product(axes, readings.values()):
        yield (
            f"{axis.removeprefix('clip ')}: {words}",
            LayerFit({**fit.convention, axis: words}, fit.hidden),
        )
