"""Whether a layer-wise subject draws its curvature, and how near it comes to a reading then."""

from lpfl.conformance.definition.layer_conventions import LayerComparison, LayerFit, norm
from lpfl.conformance.definition.layer_runs import FEWER_ROWS, FITTING, MANY_ROWS
from lpfl.conformance.oracles.layer_axes import RENEWED, TAKES
from lpfl.conformance.oracles.layer_periods import AXES, COUNTED

SAMPLED = 0.2


def random(comparison: LayerComparison) -> bool:
    """Return whether the subject's run depends on torch's generator, or on one of its own."""
    one, two = comparison.run(FITTING, draws=1), comparison.run(FITTING, draws=2)
    if one is None or two is None:
        return False
    pairs = zip(one.weights[-1], two.weights[-1], strict=True)
    return any(float((a - b).norm()) > 1e-9 * float(a.norm()) for a, b in pairs)


def falls_with_rows(comparison: LayerComparison, fit: LayerFit) -> bool:
    """Return whether a reading's error falls from few rows to many as sampling makes it fall.

    Sixteen times the rows leave a fourth of what chance does, and all of another formula.
    """
    few, many = comparison.run(FEWER_ROWS), comparison.run(MANY_ROWS)
    if few is None or many is None:
        return False
    return max(comparison.errors(few, fit)) > 2 * max(comparison.errors(many, fit))


def farther(comparison: LayerComparison) -> tuple[LayerFit, float] | None:
    """Return the nearest reading on many rows, and how far apart two seeds are there."""
    one, two = comparison.run(MANY_ROWS), comparison.run(MANY_ROWS, draws=1)
    if one is None or two is None:
        return None
    tried = [(comparison.errors(one, f, 1)[0], i, f) for i, f in enumerate(comparison.readings())]
    worst, _, nearest = min(tried, key=lambda entry: entry[:2])
    nearest.worst = worst
    a, b = one.moves()[0], two.moves()[0]
    away = norm([x - y for x, y in zip(a, b, strict=True)])
    return nearest, away / max(norm(a), norm(b), 1e-300)


def _told(fit: LayerFit) -> bool:
    """Return whether a reading's rules for its periods are the plain ones: two steps tell none."""
    plain = (RENEWED[0], COUNTED[0], COUNTED[0])
    late = fit.convention["average takes"] == TAKES[2]
    return not late and all(fit.convention[axis] == v for axis, v in zip(AXES, plain, strict=True))


def fitted(comparison: LayerComparison) -> LayerFit | None:
    """Return the reading that a random subject agrees with, to sampling error."""
    run = comparison.run(MANY_ROWS)
    if run is None:
        return None
    firsts = [f for f in comparison.readings() if comparison.errors(run, f, 1)[0] <= SAMPLED]
    fits = [fit for first in firsts for fit in comparison.continued(first) if _told(fit)]
    tried = [(max(comparison.errors(run, fit)), i, fit) for i, fit in enumerate(fits)]
    near = [entry for entry in tried if entry[0] <= SAMPLED]
    if not near:
        return None
    worst, _, fit = min(near, key=lambda entry: entry[:2])
    fit.worst, fit.held = worst, (run.scenario.name,)
    return fit
