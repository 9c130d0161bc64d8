"""Options that a layer-wise reference does not know, and whether all is right without them."""

from typing import Any

from lpfl.conformance.definition.extras import ways
from lpfl.conformance.definition.layer_conventions import LayerComparison, LayerFit
from lpfl.conformance.definition.layer_runs import FITTING, LayerRun
from lpfl.conformance.definition.option_names import NEUTRAL, undefined
from lpfl.conformance.signatures import named_options

MOST = 6
"""Ways to switch options off that are tried, of those that change the run."""


def strange(comparison: LayerComparison) -> list[str]:
    """Return options that are on, that the constructor takes, and that the reference lacks."""
    subject = comparison.subject
    used = {spot.option for spot in comparison.where.values()} | NEUTRAL.keys()
    named = named_options(subject.spec.factory)
    hidden = {n for n in named if n not in used and _on(subject.default(n))}
    known = {*undefined(subject, comparison.where), *hidden}
    return sorted(known & (subject.constructor_names - subject.taken))


def _on(held: Any) -> bool:
    return isinstance(held, bool | int | float | str) and bool(held)


def switched_off(
    comparison: LayerComparison,
) -> tuple[LayerComparison, LayerFit, dict[str, Any]] | None:
    """Return the comparison, the reading and the options, off, with which the definition holds."""
    names, run = strange(comparison), comparison.run(FITTING)
    tried = 0
    for off in ways(comparison.subject, names) if names and run is not None else ():
        other = LayerComparison(
            comparison.subject, comparison.oracle, biases=comparison.biases, off=off
        )
        changed = other.run(FITTING)
        if changed is None or _same(changed, run):
            continue
        fit = other.search(changed)
        if fit is not None and fit.missed is None:
            return other, fit, off
        tried += 1
        if tried == MOST:
            break
    return None


def _same(one: LayerRun, other: LayerRun | None) -> bool:
    """Return whether two runs end at the same weights."""
    pairs = zip(one.weights[-1], other.weights[-1], strict=True) if other is not None else ()
    return other is not None and all(bool((a == b).all()) for a, b in pairs)
