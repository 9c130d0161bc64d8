"""What a layer-wise subject does instead, where no reading fits: which part of its step is off.

Each update is split into a multiple of the reference's step, a multiple of its decay, and a rest;
beside the readings stand the mistakes of ``layer_axes.MISTAKES``, each of them a rule in words.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.definition.layer_conventions import (
    LOOSE,
    OPTIONAL,
    LayerComparison,
    LayerFit,
)
from lpfl.conformance.definition.layer_runs import LayerRun
from lpfl.conformance.definition.seen.damping import (
    each_step,
    in_words,
    least,
    pairs_seen,
    step_by_step,
)
from lpfl.conformance.definition.seen.decay_apart import SLACK
from lpfl.conformance.definition.seen.parts import SHARP, parts_seen
from lpfl.conformance.oracles.layer_axes import COUPLED, JOINED, MISTAKES, SUMMED
from lpfl.conformance.oracles.layer_steps import decayed

FIRST = ("damping", "Fisher", "bias", "weight decay", "decayed", "inverse", "inputs", "average")
"""Axes that show in the direction of the first step."""
PLAIN = ("damping", "Fisher", "bias", "weight decay", "decayed")
"""Axes of it that have no mistakes of their own."""
LATER = ("average", "momentum", "average takes", "renewed")
"""Axes that show in the steps after it."""
FARTHEST = 2
"""Axes that no option switches on, on which a reading may differ from the paper's at once."""


@dataclass(frozen=True)
class Split:
    """Per step: multiple of the reference's step, of its decay, and the rest of the update."""

    steps: list[float]
    decays: list[float]
    rests: list[float]


@dataclass(frozen=True)
class Diagnosis:
    """A fault in words, the reading without it, and the first step in which it shows."""

    text: str
    reading: LayerFit
    step: int


def diagnose(comparison: LayerComparison, run: LayerRun) -> Diagnosis:
    """Return what is off in a run, as told from the nearest reading."""
    rest, first = _first_step(comparison, run)
    if rest > LOOSE:
        return _direction(comparison, run, first, rest)
    fits = [_joined(first, fit) for fit in _readings(comparison, LATER)]
    last = len(run.moves())
    _, best = _first(
        fits,
        lambda fit: _distance(_split(comparison, run, fit, last)),
        lambda away: away == (0, 0, False),
    )
    split = _split(comparison, run, best, last)
    if max(split.rests) > LOOSE:
        found = each_step(comparison, run, _repaired(comparison, best))
        if found is not None:
            text = step_by_step(comparison, run, *found)
            return _told(comparison, run, text, _repaired(comparison, found[0]))
    texts = [*_mistaken(best), *_factors(run, split)]
    text = "; ".join(texts) or "some steps are off"
    return _told(comparison, run, text, _repaired(comparison, best))


def draws_nothing(comparison: LayerComparison, run: LayerRun) -> bool:
    """Return whether a first step is that of a reading, perhaps mistaken: samples never are."""
    return _first_step(comparison, run)[0] <= LOOSE


def _first_step(comparison: LayerComparison, run: LayerRun) -> tuple[float, LayerFit]:
    """Return what the nearest reading leaves of the first step, and that reading."""
    least, nearest = math.inf, None
    for fit in _readings(comparison, FIRST):
        if nearest is not None and comparison.least(run, fit) > least:
            continue
        rest = _split(comparison, run, fit, 1).rests[0]
        if rest <= LOOSE:
            return rest, fit
        if nearest is None or rest < least - SLACK:
            least, nearest = rest, fit
    assert nearest is not None  # the paper's reading is always there
    return least, nearest


def _told(comparison: LayerComparison, run: LayerRun, text: str, fit: LayerFit) -> Diagnosis:
    """Return a diagnosis at the first step that is visibly not the reading's."""
    errors = comparison.errors(run, fit)
    return Diagnosis(text, fit, next((t for t, e in enumerate(errors, 1) if e > SHARP), 1))


def _first(
    fits: Sequence[LayerFit], value: Callable[[LayerFit], Any], enough: Callable[[Any], bool]
) -> tuple[Any, LayerFit]:
    """Return the first fit whose value is enough, else the least, with its value."""
    seen = []
    for fit in fits:
        seen.append(value(fit))
        if enough(seen[-1]):
            break
    least = min(seen)
    return least, fits[seen.index(least)]


def _readings(comparison: LayerComparison, axes: Sequence[str]) -> list[LayerFit]:
    """Return the readings on these axes, the nearest to the paper's first, each with a mistake."""
    oracle, places = comparison.oracle, []
    alive = {axis for axis in oracle.conventions if _alive(comparison, axis)}
    for axis in axes:
        known = oracle.conventions.get(axis, ("as defined",))
        values = (*known, *MISTAKES.get(axis, ()))
        shown = axis in alive or axis not in oracle.conventions
        places.append([(axis, v, i) for i, v in enumerate(values if shown else values[:1])])
    found = []
    for chosen in itertools.product(*places):
        wrong = sum(v in MISTAKES.get(axis, ()) for axis, v, _ in chosen)
        away = sum(place > 0 and axis not in OPTIONAL for axis, _, place in chosen)
        if away - wrong <= FARTHEST and wrong <= 1:
            found.append((wrong, away, [place for *_, place in chosen], chosen))
    found.sort(key=lambda entry: entry[:3])
    hidden = {n: v[0] for n, v in oracle.hidden.items() if n not in comparison.where}
    paper = oracle.paper()
    return [LayerFit({**paper, **{a: v for a, v, _ in chosen}}, hidden) for *_, chosen in found]


def _alive(comparison: LayerComparison, axis: str) -> bool:
    switch = comparison.oracle.relevant.get(axis)
    defaults = comparison.defaults
    return switch is None or bool(comparison.common.get(switch, defaults.get(switch)))


def _joined(first: LayerFit, later: LayerFit) -> LayerFit:
    kept = {axis: first.convention[axis] for axis in FIRST[:-1] if axis in first.convention}
    return LayerFit({**later.convention, **kept}, later.hidden)


def _split(comparison: LayerComparison, run: LayerRun, fit: LayerFit, steps: int) -> Split:
    """Split the updates of the first steps by least squares."""
    coupled = fit.convention["weight decay"] in (COUPLED, JOINED)
    options = {**run.options, **fit.hidden}
    bare = options if coupled else {**options, "weight_decay": 0.0}
    wanted = comparison.oracle.updates(
        run.weights[:steps], run.seen[:steps], options=bare, convention=fit.convention
    )
    o, out = SimpleNamespace(**options), Split([], [], [])
    for t, (us, refs) in enumerate(zip(run.moves(), wanted, strict=False)):
        columns = [_flat(refs)]
        if not coupled and o.weight_decay:
            pairs = zip(run.weights[t], run.seen[t], strict=True)
            decay = [-o.lr * decayed(W, layer, o, fit.convention) for W, layer in pairs]
            columns.append(_flat(decay))
        u, design = _flat(us), torch.stack(columns, 1)
        size = float(u.norm())
        if not (0 < size < math.inf and bool(design.isfinite().all())):
            out.rests.append(1.0)
            out.steps.append(0.0)
            out.decays.append(1.0)
            continue
        found = torch.linalg.lstsq(design, u[:, None]).solution[:, 0]
        out.rests.append(float((u - design @ found).norm()) / size)
        out.steps.append(float(found[0]))
        out.decays.append(float(found[1]) if len(found) > 1 else 1.0)
    return out


def _flat(row: Sequence[Tensor]) -> Tensor:
    return torch.cat([x.flatten() for x in row])


def _distance(split: Split) -> tuple[int, int, bool]:
    """Return (steps whose direction is off, steps of another factor, whether that is not 1)."""
    off = sum(rest > LOOSE for rest in split.rests)
    middle = sorted(split.steps)[len(split.steps) // 2]
    uneven = sum(abs(c - middle) > SHARP * abs(middle) for c in split.steps)
    return off, uneven, abs(middle - 1) > SHARP


def _mistaken(fit: LayerFit) -> list[str]:
    named = ((axis, value) for axis, value in fit.convention.items())
    return [f"{axis}: {value}" for axis, value in named if value in MISTAKES.get(axis, ())]


def _factors(run: LayerRun, split: Split) -> list[str]:
    """Return what the factors say of sign, learning rate, single steps and decay."""
    texts, factors = [], split.steps
    middle = sorted(factors)[len(factors) // 2]
    odd = [t for t, c in enumerate(factors, 1) if abs(c - middle) > SHARP * abs(middle)]
    turned = [t for t, rest in enumerate(split.rests, 1) if rest > LOOSE]
    if turned:
        steps = f"steps {turned[0]} to {turned[-1]}" if len(turned) > 1 else f"step {turned[0]}"
        texts.append(f"the direction of {steps} is off by up to {max(split.rests):.2g}")
    elif odd and len(odd) <= len(factors) // 2:
        said = ", ".join(f"step {t} is {factors[t - 1] / middle:.4g} times" for t in odd)
        texts.append(f"{said} what the other steps make it")
    elif odd:
        said = ", ".join(f"{c:.4g}" for c in factors)
        texts.append(f"the steps are {said} times the definition's")
    if not odd and not turned and abs(middle - 1) > SHARP:
        texts.append(_constant(middle, float(run.options["lr"])))
    decay = sorted(split.decays)[len(split.decays) // 2]
    if abs(decay - 1) > SHARP and not turned:
        none = abs(decay) < SHARP
        texts.append("the weight decay is not used" if none else f"it decays {decay:.4g} times")
    return texts


def _constant(factor: float, rate: float) -> str:
    if abs(factor + 1) <= SHARP:
        return "the update has the wrong sign: it goes uphill"
    if abs(factor / rate - 1) <= SHARP:
        return f"the update is {factor:.4g} times the definition's: lr enters squared"
    if factor < 0:
        return f"the update has the wrong sign: {factor:.4g} times the definition's"
    return f"the update is {factor:.4g} times the definition's"


def _repaired(comparison: LayerComparison, fit: LayerFit) -> LayerFit:
    """Return a reading without its mistakes."""
    paper = comparison.oracle.paper()
    kept = {
        axis: paper.get(axis, "as defined") if value in MISTAKES.get(axis, ()) else value
        for axis, value in fit.convention.items()
    }
    return LayerFit(kept, fit.hidden)


def _direction(
    comparison: LayerComparison, run: LayerRun, near: LayerFit, rest: float
) -> Diagnosis:
    """Say what is wrong with the direction of the first step, or how near a reading comes."""
    if (summed := _summed(comparison, run)) is not None:
        return summed
    for fit in _readings(comparison, [axis for axis in PLAIN if axis != "bias"]):
        damping, left = _damping_seen(comparison, run, fit)
        if left <= LOOSE:
            text = f"it steps as if damping were {damping:.3g}, not {run.options['damping']:g}"
            return Diagnosis(text, fit, 1)
    parts = parts_seen(comparison, run, _readings(comparison, PLAIN))
    if parts is not None and parts.complete:
        return Diagnosis(parts.text(), parts.reading, 1)
    for fit in _readings(comparison, ("Fisher", "bias", "weight decay", "decayed")):
        pairs = pairs_seen(comparison, run, fit)
        if pairs is not None:
            damping = float(run.options["damping"])
            return Diagnosis(in_words(*pairs, damping), _repaired(comparison, near), 1)
    if parts is not None:
        return Diagnosis(parts.text(), parts.reading, 1)
    paper = comparison.oracle.paper()
    other = {a: v for a, v in near.convention.items() if paper.get(a, "as defined") != v}
    words = "; ".join(f"{axis}: {value}" for axis, value in other.items())
    text = f"the direction of the first step is off by {rest:.2g}"
    text += f" from the nearest reading ({words})" if words else ""
    return Diagnosis(text, _repaired(comparison, near), 1)


def _summed(comparison: LayerComparison, run: LayerRun) -> Diagnosis | None:
    """Say which factors are sums over the rows, if that makes a reading fit the first step."""
    if comparison.oracle.claim == "foof":
        return None
    sides = [("1", SUMMED), *((SUMMED, scale) for scale in (SUMMED, "1", "1/n", "1/n^2"))]
    for fit in _readings(comparison, PLAIN):
        for on_input, on_output in sides:
            scales = {"input factor times": on_input, "output factor times": on_output}
            reading = LayerFit({**fit.convention, **scales}, fit.hidden)
            if _split(comparison, run, reading, 1).rests[0] <= LOOSE:
                words = "; ".join(_mistaken(reading))
                return Diagnosis(words, _repaired(comparison, reading), 1)
    return None


def _damping_seen(comparison: LayerComparison, run: LayerRun, fit: LayerFit) -> tuple[float, float]:
    """Return the damping with which a reading fits the first step best, and its error there."""

    def error(damping: float) -> float:
        hidden = {**fit.hidden, "damping": damping}
        return _split(comparison, run, LayerFit(fit.convention, hidden), 1).rests[0]

    return least(error, float(run.options["damping"]))
