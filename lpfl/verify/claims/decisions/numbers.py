"""DR-08: statistics, margins, intervals and the replicates that a rule asks for."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import special

from lpfl import decide
from lpfl.decide import Verdict
from lpfl.verify.check import check
from lpfl.verify.expect import ChiSquare, Comparison, Same, Scale
from lpfl.verify.setups.skewed import (
    COUNT,
    LEVEL,
    SHAPE,
    SLACK,
    described,
    sample,
    sides,
)
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial

DRAWS = 5
DISTANCE = 0.73  # of a rival, in what an even sample detects
SEEING = 7  # how many times the degrees of freedom of a replicate the ratio asks for
NEARER = (0.5, 12.0)  # how far beyond the tolerance a rival lies, in reaches


@check(
    "DR-08",
    (COUNT, SHAPE, LEVEL, SLACK, Reals("gap", 0.05, 0.9), Integers("degrees_of_freedom", 3, 60)),
)
def numbers(trial: Trial) -> Iterator[Comparison]:
    """Read everything that an equivalence, an ordering and exact laws say beside their outcome."""
    trial.admit()
    drawn = sample(trial, "sample", trial.replicate_count, trial.gamma_shape)
    for sign, label in ((1.0, "long tail above"), (-1.0, "long tail below")):
        yield from of_equivalence(trial, sign * drawn, sign, label)
        yield from of_ordering(trial, sign * drawn, label)
    yield from of_laws(trial)


def compared(trial: Trial, part: str, measured: Any, label: str, **known: Any) -> Same:
    """Compare one number with the printed relation."""
    predicted = float(trial.claim[part].number_of(known))
    return Same(
        part=part,
        measured=measured,
        predicted=predicted,
        tolerance=rounding(
            trial.dtype, dim=trial.replicate_count, condition=1e3, why="sums over the sample"
        ),
        scale=max(abs(predicted), 1e-3),
        label=label,
    )


def margin(trial: Trial, verdict: Verdict, label: str) -> Same:
    """Compare the margin of a verdict with its statistic."""
    return compared(trial, "margin", verdict.margin, label, statistic=verdict.statistic)


def whole(trial: Trial, part: str, measured: int | None, known: dict[str, Any]) -> Same:
    """Compare replicates asked for with the next whole number above the printed one."""
    return Same(
        part=part,
        measured=float(measured or 0),
        predicted=math.ceil(max(8.0, float(trial.claim[part].number_of(known)))),
        tolerance=rounding(trial.dtype, dim=1, why="whole numbers"),
    )


def of_equivalence(
    trial: Trial, values: np.ndarray, sign: float, label: str
) -> Iterator[Comparison]:
    """A prediction ``gap`` tolerances away on the side of the long tail, and then of the other."""
    known = described(values, trial.decision_level / 2.0)
    error, above, below = sides(trial, known)
    tolerance = trial.tolerance + max(above, below)
    mean, gap = float(values.mean()), trial.gap * tolerance
    for side, near, away in ((1.0, above, below), (-1.0, below, above)):
        for nearer in NEARER:
            room = nearer * max(above, below)
            verdict = decide.equivalence(
                values, predicted=mean + side * gap, tolerance=tolerance,
                alpha=trial.decision_level, matters=tolerance + room,
            )  # fmt: skip
            stated = {
                **known, "gap": gap, "tolerance": tolerance, "standard_error": error,
                "reach": max(above, below), "nearest_rival": tolerance + room,
            }  # fmt: skip
            yield whole(trial, "needed_equivalence", verdict.samples_needed, stated)
        said = f"{label}, prediction {'above' if side > 0 else 'below'}"
        yield compared(
            trial, "equivalence", verdict.statistic, said, gap=gap, reach_towards=near,
            reach_away=away, tolerance=tolerance,
        )  # fmt: skip
        yield margin(trial, verdict, f"equivalence, {said}")
        yield compared(
            trial, "error_equivalence", verdict.margin_std_error, said, standard_error=error,
            tolerance=tolerance,
        )  # fmt: skip
    assert verdict.interval is not None
    for end, signed in zip(verdict.interval, (-below, above), strict=True):
        yield compared(trial, "interval", end, label, sample_mean=mean, signed_reach=signed)


def of_ordering(trial: Trial, values: np.ndarray, label: str) -> Iterator[Comparison]:
    """A difference ``gap`` above zero."""
    known = described(values, trial.decision_level)
    error, above, below = sides(trial, known)
    slack, mean = trial.tolerance, float(values.mean()) + trial.gap
    for nearer in NEARER:
        room = nearer * max(above, below)
        verdict = decide.ordering(
            values + trial.gap, slack=slack, alpha=trial.decision_level, matters=slack + room
        )
        stated = {
            **known, "sample_mean": mean, "tolerance": slack, "standard_error": error,
            "reach": max(above, below), "nearest_rival": slack + room,
        }  # fmt: skip
        yield whole(trial, "needed_ordering", verdict.samples_needed, stated)
    yield compared(
        trial, "ordering", verdict.statistic, label, sample_mean=mean, tolerance=slack,
        reach_below=below,
    )  # fmt: skip
    yield margin(trial, verdict, f"ordering, {label}")
    yield compared(
        trial, "error_ordering", verdict.margin_std_error, label, standard_error=error,
        reach_below=below,
    )  # fmt: skip


def of_laws(trial: Trial) -> Iterator[Comparison]:
    """Exact laws and rules without chance: margins, their errors, and totals asked for."""
    dof, alpha = trial.degrees_of_freedom, trial.decision_level
    seeing = SEEING * dof + 1
    fewer = seeing - 0.5  # rounding cannot decide the count
    ratio = float(
        special.gammainccinv(fewer / 2.0, alpha / 2.0) / special.gammaincinv(fewer / 2.0, 0.1)
    )
    totals = np.linspace(0.5, 1.5, DRAWS) * dof * (1.0 + trial.gap)
    verdict = ChiSquare(
        part="total", totals=totals, dof=dof, scale=Scale(ratio, "of the statement"), unit=dof
    ).decide(alpha)
    yield compared(trial, "total", verdict.measured, "", mean_total=float(totals.mean()))
    known = {"draws": DRAWS, "seeing_degrees": seeing, "degrees_of_freedom": DRAWS * dof}
    needed = float(trial.claim["needed_chi_square"].number_of(known))
    yield Same(
        part="needed_chi_square",
        measured=float(verdict.samples_needed or 0),
        predicted=math.ceil(needed - 1e-9),
        tolerance=rounding(trial.dtype, dim=1, why="whole numbers"),
    )
    size = trial.replicate_count
    even = decide.uniform_law((np.arange(size) + 0.5) / size, alpha=alpha)
    rival = DISTANCE * float(even.detectable or 0.0)
    beside = decide.uniform_law((np.arange(size) + 0.5) / size, alpha=alpha, matters=rival)
    known = {"replicate_count": size, "detectable": even.detectable, "nearest_rival": rival}
    yield whole(trial, "needed_uniform", beside.samples_needed, known)
    counted = decide.bound_whp(1, size, delta=0.1, alpha=alpha)
    exact = decide.identity([0.1 * trial.gap, trial.gap], tolerance=1.0)
    read = [decide.exact_identity(holds, false_pass_bound=0.0, degree=2) for holds in (True, False)]
    # the second value is the nearest to its limit, neither the largest nor the first
    below = decide.bound([0.01, trial.gap, 2.0], [1.0, 0.9, 100.0], rounding=0.0)
    for label, shown, meant in (
        ("a law that holds", even.predicted, 0.0),
        ("share of failures", counted.measured, 1.0 / size),
        ("share allowed", counted.predicted, 0.1),
        ("value nearest to its limit", below.measured, trial.gap),
        ("the limit of that value", below.predicted, 0.9),
        ("values that a bound has seen", below.replicates, 3.0),
    ):
        yield compared(trial, "total", shown, label, mean_total=meant)
    for label, one in (
        ("chi-square", verdict), ("uniform law", even), ("count", counted), ("identity", exact),
        ("identity that holds", read[0]), ("identity that fails", read[1]),
        ("bound", below),
    ):  # fmt: skip
        yield margin(trial, one, label)
    for label, one in (("chi-square", verdict), ("uniform law", even)):
        yield compared(trial, "error_law", one.margin_std_error, label, decision_level=alpha)
    yield trials_needed(trial, alpha)
    for turn, label in ((1.0, "above zero"), (-1.0, "below it")):
        constant = decide.ordering(np.full(8, turn), slack=0.5, alpha=alpha)
        yield compared(
            trial, "margin", constant.margin, f"constant differences {label}", statistic=1.0 - turn
        )


def trials_needed(trial: Trial, alpha: float) -> Same:
    """A count sees the rate that matters with the trials asked for, and not one step before.

    The trials asked for grow by a quarter and one.
    """
    asked = decide.bound_whp(0, 1, delta=0.1, alpha=alpha).samples_needed or 0
    before = int((asked - 1) / 1.25)
    found = [
        decide.bound_whp(0, trials, delta=0.1, alpha=alpha).outcome.value
        for trials in (before, asked)
    ]
    return Same(
        part="total",
        measured=[float(outcome == "confirmed") for outcome in found],
        predicted=[0.0, 1.0],
        scale=1.0,
        tolerance=rounding(trial.dtype, dim=1, why="a yes or no"),
        label="trials asked for",
    )
