"""DR-03 to DR-05: the interval of a mean, equivalence and ordering, on skewed samples."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch

from lpfl import decide
from lpfl.decide import Outcome
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Exceeds, Near, Ordered, Rival, Same
from lpfl.verify.setups.skewed import (
    COUNT,
    LEVEL,
    SHAPE,
    SLACK,
    Array,
    described,
    sample,
    sides,
    stated_detectable,
)
from lpfl.verify.setups.turning import does_not_confirm, first_beyond, refutes
from lpfl.verify.tolerance import judgement, rounding
from lpfl.verify.trial import Trial, as_numpy

STATED = "a tolerance that the statement is about"
MISS_TAIL, MISS_RUNS, MISS_COUNT = 0.02, 2000, 64
POWER_BLOCKS, POWER_BLOCK = 128, 25


@check("DR-03", (COUNT, SHAPE, LEVEL), decisions=1)
def interval(trial: Trial) -> Iterator[Comparison]:
    """A skewed sample and its mirror image; the level on many samples of an exponential law."""
    trial.admit()
    tight = rounding(trial.dtype, dim=trial.replicate_count, why="sums over the sample")
    drawn = sample(trial, "sample", trial.replicate_count, trial.gamma_shape)
    for sign in (1.0, -1.0):
        values = sign * drawn
        seen = decide.mean_interval("values", values, trial.decision_level)
        error, above, below = sides(trial, described(values, trial.decision_level))
        label = "long tail above" if sign > 0 else "long tail below"
        for part, measured, predicted in (
            ("standard_error", seen.std_error, error),
            ("above", seen.high - values.mean(), above),
            ("below", values.mean() - seen.low, below),
        ):
            yield Same(
                part=part, measured=measured, predicted=predicted, tolerance=tight, label=label
            )
    runs = trial.replicates(MISS_RUNS)
    rows = sample(trial, "level", runs * MISS_COUNT, 1.0).reshape(runs, MISS_COUNT)
    ends = [decide.mean_interval("row", row, MISS_TAIL) for row in rows]
    yield Exceeds(
        part="level",
        violations=sum(one.high < 0.0 for one in ends),
        trials=runs,
        delta=MISS_TAIL,
        label="exponential law, below the mean",
    )


def at_distance(run: Callable[..., Any], sign: float, gap: float) -> Outcome:
    """Return the outcome at a distance on one side."""
    outcome: Outcome = run(sign * gap).outcome
    return outcome


def edges(outcome: Callable[[float], Outcome], high: float) -> tuple[float, float]:
    """Return from which number on nothing is confirmed, and from which on it is refuted."""
    confirmed = first_beyond(does_not_confirm(outcome), 0.0, high)
    return confirmed, first_beyond(refutes(outcome), 0.0, high)


@check("DR-04", (COUNT, SHAPE, LEVEL, SLACK), decisions=1)
def equivalence(trial: Trial) -> Iterator[Comparison]:
    """Move the prediction to both sides until the outcome turns; bring a rival nearer."""
    trial.admit()
    values = sample(trial, "sample", trial.replicate_count, trial.gamma_shape)
    known = described(values, trial.decision_level / 2.0)
    error, above, below = sides(trial, known)
    tolerance = trial.tolerance + max(above, below)
    mean, far = float(values.mean()), 4.0 * tolerance
    tight = rounding(
        trial.dtype, dim=trial.replicate_count, why="sums over the sample, and the halvings"
    )

    def run(gap: float, matters: float | None = None) -> Any:
        return Near(
            part="confirmed",
            samples=values,
            predicted=mean + gap,
            tolerance=judgement(tolerance, STATED),
            rival=None if matters is None else Rival("another value", mean + gap - matters),
        ).decide(trial.decision_level)

    for sign, near, away in ((1.0, above, below), (-1.0, below, above)):
        label = "prediction above the mean" if sign > 0 else "prediction below the mean"
        confirmed, refuted = edges(partial(at_distance, run, sign), far)
        stated = {"tolerance": tolerance, "reach_towards": near, "reach_away": away}
        for part, measured in (("confirmed", confirmed), ("refuted", refuted)):
            yield Same(
                part=part,
                measured=measured,
                predicted=trial.claim[part].number_of(stated),
                tolerance=tight,
                scale=tolerance,
                label=label,
            )
    yield from given_interval(trial, tolerance, below)
    detectable = stated_detectable(trial, known, tolerance, error, max(above, below))
    yield from beside_rivals(trial, run, detectable, tight)
    yield power(trial)


def given_interval(trial: Trial, tolerance: float, half_width: float) -> Iterator[Same]:
    """Move an interval of given width to both sides until the outcome turns."""
    stated = {"tolerance": tolerance, "reach_towards": half_width, "reach_away": half_width}
    for sign in (1.0, -1.0):

        def outcome(gap: float, sign: float = sign) -> Outcome:
            return decide.interval_outcome(sign * gap, half_width, tolerance)

        for part, measured in zip(
            ("confirmed", "refuted"), edges(outcome, 4.0 * tolerance), strict=True
        ):
            yield Same(
                part=part,
                measured=measured,
                predicted=trial.claim[part].number_of(stated),
                tolerance=rounding(trial.dtype, dim=16, why="the halvings"),
                scale=tolerance,
                label=f"an interval that is given, {'above' if sign > 0 else 'below'}",
            )


def beside_rivals(
    trial: Trial, run: Callable[..., Any], detectable: float, tight: Any
) -> Iterator[Same]:
    """The number that is called detectable, and the nearest rival that still confirms."""
    yield Same(
        part="detectable", measured=run(0.0).detectable, predicted=detectable, tolerance=tight
    )
    nearest = first_beyond(
        lambda matters: run(0.0, matters).outcome is Outcome.CONFIRMED, 0.0, 4.0 * detectable
    )
    yield Same(
        part="rival",
        measured=nearest,
        predicted=trial.number("rival", detectable=detectable),
        tolerance=tight,
    )


def power(trial: Trial) -> Near:
    """State the detectable error on one normal sample, try it on another."""
    blocks = trial.replicates(POWER_BLOCKS)
    count, level = trial.replicate_count, trial.decision_level
    size = (blocks * POWER_BLOCK, 2, count)
    law: dict[str, Any] = {"dtype": torch.float64, "device": trial.device}
    pairs = as_numpy(torch.randn(size, generator=trial.stream("power"), **law))
    refuted = []
    for stated, fresh in pairs:
        known: dict[str, Any] = {"predicted": 0.0, "tolerance": 0.3, "alpha": level}
        error = decide.equivalence(stated, **known).detectable
        verdict = decide.equivalence(fresh + error, **known)
        refuted.append(verdict.outcome is Outcome.REFUTED)
    shares = np.reshape(refuted, (blocks, POWER_BLOCK)).mean(1)
    return Near(
        part="power",
        samples=shares,
        predicted=float(trial.number("power")),
        tolerance=judgement(0.08, "the law of two spreads is taken as normal from 16 replicates"),
        rival=Rival("a coin", 0.5),
    )


@check("DR-05", (COUNT, SHAPE, LEVEL, SLACK))
def ordering(trial: Trial) -> Iterator[Comparison]:
    """Move the difference until the outcome turns; bring a rival nearer."""
    trial.admit()
    drawn = sample(trial, "sample", trial.replicate_count, trial.gamma_shape)
    for sign in (1.0, -1.0):
        yield from turned(trial, sign * (drawn - drawn.mean()), sign)


def turned(trial: Trial, values: Array, sign: float) -> Iterator[Same]:
    """Compare the differences at which the outcome turns, for one direction of the long tail."""
    tight = rounding(trial.dtype, dim=values.size, why="sums over the sample, and the halvings")
    known = described(values, trial.decision_level)
    error, above, below = sides(trial, known)
    far = 4.0 * (trial.tolerance + max(above, below))
    other = np.linspace(-1.0, 1.0, values.size)  # what both members of a pair have in common

    def run(mean: float, matters: float | None = None) -> Any:
        return Ordered(
            part="confirmed",
            better=values + mean + other,
            worse=other,
            slack=judgement(trial.tolerance, STATED),
            matters=matters,
        ).decide(trial.decision_level)

    stated = {"tolerance": trial.tolerance, "reach_above": above, "reach_below": below}
    turning = {
        "confirmed": first_beyond(lambda mean: run(mean).outcome is Outcome.CONFIRMED, -far, far),
        "refuted": first_beyond(refutes(partial(at_distance, run, -1.0)), -far, far),
    }
    for part, measured in turning.items():
        yield Same(
            part=part,
            measured=measured,
            predicted=trial.claim[part].number_of(stated),
            tolerance=tight,
            scale=far,
            label="long tail above" if sign > 0 else "long tail below",
        )
    detectable = stated_detectable(trial, known, trial.tolerance, error, max(above, below))

    def at_the_far_end(_: float, matters: float | None = None) -> Any:
        return run(far, matters)

    yield from beside_rivals(trial, at_the_far_end, detectable, tight)
