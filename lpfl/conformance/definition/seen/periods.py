"""What a layer-wise subject does with the periods of its factors and inverses."""

import itertools
from collections.abc import Callable, Iterator

from lpfl.conformance.definition.layer_conventions import (
    BLOWN_UP,
    LOOSE,
    PERIODS,
    LayerComparison,
    LayerFit,
    norm,
)
from lpfl.conformance.definition.layer_runs import FITTING, HOLDING, LONG, LayerRun
from lpfl.conformance.oracles.layer_axes import NEVER, TAKES
from lpfl.conformance.oracles.layer_periods import (
    FOR_EVER,
    IN_INVERSIONS,
    LEFT_OUT,
    TWICE,
    schedules,
)

Change = Callable[[int, int], tuple[int, int]]
NAMED: dict[str, Change] = {
    "the inverses are renewed whenever the factors are, whatever {inverses} is": (
        lambda one, two: (one, one)
    ),
    "the inverses, or the factors, are those of the first step for ever": (
        lambda one, two: (one, FOR_EVER)
    ),
    "the factors are renewed in every step, whatever {factors} is": lambda one, two: (1, two),
    "the factors are renewed with the inverses, whatever {factors} is": (
        lambda one, two: (two, two)
    ),
    "everything is renewed in every step, whatever {factors} and {inverses} are": (
        lambda one, two: (1, 1)
    ),
    "{factors} and {inverses} are exchanged": lambda one, two: (two, one),
}
ALONE: dict[str, Change] = {
    "factors and inverses are renewed in every step, whatever {factors} is": (
        lambda one, two: (1, 1)
    ),
    "the inverses, or the factors, are those of the first step for ever": (
        lambda one, two: (FOR_EVER, FOR_EVER)
    ),
}
"""What may be wrong with one period, by the periods that a run then has in truth."""


def seldom(comparison: LayerComparison, fit: LayerFit) -> tuple[LayerRun, LayerFit, int] | None:
    """Return the long run, a reading of it that never renews, and the first step that leaves it.

    A reading of a longer period that fits the long run takes the place of ``fit``'s own, and None
    is returned. The step is one after the last where the factors are never renewed.
    """
    longest = max(PERIODS, key=lambda name: fit.hidden.get(name) or 1)
    if (fit.hidden.get(longest) or 1) < FITTING.steps or (run := comparison.run(LONG)) is None:
        return None
    kept = LayerFit({**fit.convention, "renewed": NEVER}, fit.hidden)
    if not norm(run.weights[-1]) < BLOWN_UP:
        return None
    errors = comparison.errors(run, kept)
    left = next((t for t, e in enumerate(errors, 1) if not e <= LOOSE), len(errors) + 1)
    if left > len(run.moves()):
        return run, kept, left
    rules = [fit.convention, *schedules(fit.convention, both=False)]
    for rule, period in itertools.product(rules, (left - 1, left)):
        other = LayerFit(rule, {**fit.hidden, longest: period})
        if all(max(comparison.errors(run, other, n)) <= LOOSE for n in (left + 1, None)):
            fit.convention, fit.hidden = rule, other.hidden
            return None
    return run, kept, left


def periodic(run: LayerRun) -> bool:
    """Return whether a run's setting is about the periods."""
    return bool(set(PERIODS) & set(run.scenario.options or {}))


def in_words(comparison: LayerComparison, fit: LayerFit) -> str:
    """Return what is wrong with the periods where a reading fits as long as they are 1, or not."""
    known = [
        s
        for s in HOLDING
        if set(PERIODS) & set(s.options or {}) and set(s.options) <= set(comparison.where)
    ]
    runs = [run for s in [FITTING, *known] if (run := comparison.run(s)) is not None]
    if not known:
        return ""
    names = {
        word: comparison.where[name].option
        for word, name in (("factors", "period"), ("inverses", "inverse_period"))
        if name in comparison.where
    }
    for words, change, other in _suspects(comparison, fit):
        if all(_explains(comparison, run, change, other) for run in reversed(runs)):
            return words.format(**names)
    return ""


def _suspects(comparison: LayerComparison, fit: LayerFit) -> Iterator[tuple[str, Change, LayerFit]]:
    """Yield faults in words, what they make of the periods, and the reading they leave."""
    both = comparison.both_periods
    faults = NAMED if both else ALONE
    same: Change = lambda one, two: (one, two)  # noqa: E731
    rules = [dict(fit.convention), *schedules(fit.convention, both=both)]
    for rule in rules:
        for words, change in faults.items():
            yield words, change, LayerFit(rule, fit.hidden)
        averages = comparison.oracle.conventions["average"] if comparison.averages(fit) else ("",)
        for words, average in itertools.product((TWICE, LEFT_OUT), averages):
            odd = {**rule, IN_INVERSIONS: words, "average": average}
            yield f"{IN_INVERSIONS} {words}", same, LayerFit(odd, fit.hidden)
    if fit.convention["average takes"] == TAKES[0]:
        for rule in schedules({**fit.convention, "average takes": TAKES[1]}, both=both):
            yield (
                "the inverses are one renewal of the factors late",
                same,
                LayerFit(rule, fit.hidden),
            )


def _explains(comparison: LayerComparison, run: LayerRun, change: Change, fit: LayerFit) -> bool:
    of_factors, of_inverses = (run.options[name] for name in PERIODS)
    one, two = change(of_factors, of_inverses or of_factors)
    told = {"period": one} if of_inverses is None else {"period": one, "inverse_period": two}
    told = {name: value for name, value in told.items() if name in comparison.where}
    reading = LayerFit(fit.convention, {**fit.hidden, **told})
    return max(comparison.errors(run, reading)) <= LOOSE
