"""DR-06: p-values beside sums and series of their own."""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import special, stats

from lpfl import decide
from lpfl.decide import Outcome
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.setups.turning import first_beyond, refutes
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy

FURTHEST = 60.0  # logarithm of a factor beyond every total and sample that is not refuted
SIDES = (0.03, 0.4, 0.6, 0.97)  # where the total lies in its law


@check(
    "DR-06",
    (
        Integers("degrees_of_freedom", 1, 400),
        Integers("replicate_count", 20, 120),
        Integers("trials", 20, 90),
        Reals("failure_share", 0.02, 0.4),
        Reals("decision_level", 1e-6, 1e-2, log=True),
    ),
)
def exact_laws(trial: Trial) -> Iterator[Comparison]:
    """Totals on both sides of the law; samples squeezed to both ends; every count of failures."""
    trial.admit()
    alpha, dof = trial.decision_level, trial.degrees_of_freedom
    tight = rounding(trial.dtype, dim=dof, condition=1e4, why="tails by their own series")
    for side in SIDES:
        total = float(stats.chi2.ppf(side, dof))
        lower = float(special.gammainc(dof / 2.0, total / 2.0))
        yield Same(
            part="chi_square",
            measured=decide.chi_square(total, dof, alpha=alpha).statistic,
            predicted=trial.number("chi_square", lower_tail=lower),
            tolerance=tight,
            label=f"at {side:g} of the law",
        )
    yield from chi_square_turns(trial, alpha)
    yield from uniform(trial, alpha)
    yield uniform_turns(trial, alpha)
    yield binomial(trial, alpha)


def chi_square_turns(trial: Trial, alpha: float) -> Iterator[Same]:
    """The p-value of the first total that is refuted, going up and going down from the mean."""
    dof = trial.degrees_of_freedom
    for sign, tail, label in (
        (1.0, special.gammaincc, "too large"),
        (-1.0, special.gammainc, "too small"),
    ):
        turn = first_beyond(refutes(chi_square_at(dof, sign, alpha)), 0.0, FURTHEST)
        yield Same(
            part="chi_square_turns",
            measured=2.0 * float(tail(dof / 2.0, dof * math.exp(sign * turn) / 2.0)),
            predicted=trial.number("chi_square_turns"),
            tolerance=rounding(
                trial.dtype, dim=dof, condition=1e4, why="the tail at a total found by halving"
            ),
            scale=alpha,
            label=label,
        )


def chi_square_at(dof: int, sign: float, alpha: float) -> Callable[[float], Outcome]:
    """Return the outcome of a total as a function of the logarithm of its distance from dof."""
    return lambda x: decide.chi_square(dof * math.exp(sign * x), dof, alpha=alpha).outcome


def uniform_turns(trial: Trial, alpha: float) -> Same:
    """The p-value of the first sample that is refuted, an even one pressed to zero by a power."""
    size = trial.replicate_count
    even = (np.arange(size) + 0.5) / size

    def outcome(x: float) -> Outcome:
        return decide.uniform_law(even ** math.exp(x), alpha=alpha).outcome

    values = even ** math.exp(first_beyond(refutes(outcome), 0.0, FURTHEST))
    return Same(
        part="uniform_turns",
        measured=float(stats.kstwo.sf(max(distances(values)), size)),
        predicted=trial.number("uniform_turns"),
        tolerance=rounding(
            trial.dtype, dim=size, condition=1e4, why="the tail at a sample found by halving"
        ),
        scale=alpha,
    )


def uniform(trial: Trial, alpha: float) -> Iterator[Same]:
    """The distance to the uniform law from its definition, for samples too low and too high."""
    stream = trial.stream("uniform")
    drawn = np.sort(
        as_numpy(torch.rand(trial.replicate_count, generator=stream, device=trial.device))
    )
    tight = rounding(trial.dtype, dim=drawn.size, condition=1e4, why="the exact tail of a distance")
    for power, label in ((1.3, "too low"), (0.7, "too high")):
        values = drawn**power if power > 1 else np.sort(drawn**power)
        excess, deficit = distances(values)
        known = {"largest_excess": excess, "largest_deficit": deficit}
        verdict = decide.uniform_law(values, alpha=alpha)
        distance = float(trial.claim["uniform_distance"].number(**known))
        yield Same(
            part="uniform_distance",
            measured=verdict.measured,
            predicted=distance,
            tolerance=tight,
            label=label,
        )
        tail = float(stats.kstwo.sf(distance, values.size))
        yield Same(
            part="uniform",
            measured=verdict.statistic,
            predicted=trial.number("uniform", lower_tail=tail),
            tolerance=tight,
            label=label,
        )


def distances(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return how far the empirical distribution of sorted values lies above and below x."""
    steps = np.arange(values.size + 1) / values.size
    return float(np.max(steps[1:] - values)), float(np.max(values - steps[:-1]))


def binomial(trial: Trial, alpha: float) -> Same:
    """How many counts of failures are refuted, beside exact sums of fractions."""
    trials, share = trial.trials, Fraction(trial.failure_share)
    tail, refuted = Fraction(0), 0
    for count in range(trials, -1, -1):
        chance = math.comb(trials, count) * share**count * (1 - share) ** (trials - count)
        tail += chance
        refuted += tail <= Fraction(alpha)
    seen = [
        decide.bound_whp(count, trials, delta=trial.failure_share, alpha=alpha).outcome
        for count in range(trials + 1)
    ]
    return Same(
        part="binomial",
        measured=float(sum(outcome is Outcome.REFUTED for outcome in seen)),
        predicted=float(trial.number("binomial", false_identities=max(refuted, 1))),
        tolerance=rounding(trial.dtype, dim=1, why="whole numbers"),
    )
