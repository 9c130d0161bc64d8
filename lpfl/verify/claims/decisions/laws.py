"""DR-06: p-values, detectable errors and plans beside sums and series of their own."""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import torch
from scipy import optimize, special, stats

from lpfl import decide
from lpfl.decide import Outcome
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same, Scale
from lpfl.verify.setups.exact_laws import distances, exceeds, spread_over, tails, within
from lpfl.verify.setups.turning import confirms, first_beyond, refutes
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy

FURTHEST = 60.0  # logarithm of a factor beyond every total and sample that is not refuted
REPLICATES = 3  # over which the total of a chi-square law is spread
SHARES = (0.005, 0.02, 0.06, 0.15, 0.3, 0.5)  # of failures, that a bound may allow
SIDES = (1e-40, 0.03, 0.4, 0.6, 0.97)  # where the total lies in its law


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
    yield from chi_square_sees(trial, alpha)
    yield from uniform(trial, alpha)
    yield uniform_turns(trial, alpha)
    yield from uniform_sees(trial, alpha)
    yield from binomial(trial, alpha)
    yield from binomial_sees(trial, alpha)


def chi_square_turns(trial: Trial, alpha: float) -> Iterator[Same]:
    """The p-value of the first total that is refuted, going up and going down from the mean."""
    dof = trial.degrees_of_freedom
    whole = REPLICATES * dof
    for sign, tail, label in (
        (1.0, special.gammaincc, "too large"),
        (-1.0, special.gammainc, "too small"),
    ):
        turn = first_beyond(refutes(chi_square_at(dof, sign, alpha)), 0.0, FURTHEST)
        yield Same(
            part="chi_square_turns",
            measured=2.0 * float(tail(whole / 2.0, whole * math.exp(sign * turn) / 2.0)),
            predicted=trial.number("chi_square_turns"),
            tolerance=rounding(
                trial.dtype, dim=whole, condition=1e4, why="the tail at a total found by halving"
            ),
            scale=alpha,
            label=label,
        )


def chi_square_at(dof: int, sign: float, alpha: float) -> Callable[[float], Outcome]:
    """Return the outcome of totals as a function of the logarithm of their distance from dof."""
    totals = np.array([0.5, 0.3, 0.2]) * REPLICATES * dof

    def outcome(x: float) -> Outcome:
        factor = math.exp(sign * x)
        return spread_over(factor * totals, dof, 1e9).decide(alpha).outcome

    return outcome


def chi_square_sees(trial: Trial, alpha: float) -> Iterator[Same]:
    """The ratio of scales called detectable, the nearest rival, and the plan that sees a ratio."""
    dof = REPLICATES * trial.degrees_of_freedom
    tight = rounding(trial.dtype, dim=dof, condition=1e4, why="quantiles by their own series")
    q_up = 2.0 * float(special.gammainccinv(dof / 2.0, alpha / 2.0))
    q_low = 2.0 * float(special.gammaincinv(dof / 2.0, 1.0 - 0.9))
    even = np.full(REPLICATES, float(trial.degrees_of_freedom))
    detectable = float(
        trial.number("chi_square_detectable", upper_quantile=q_up, lower_quantile=q_low)
    )
    seen = spread_over(even, trial.degrees_of_freedom, 1e9).decide(alpha).detectable
    yield Same(part="chi_square_detectable", measured=seen, predicted=detectable, tolerance=tight)

    def beside(matters: float) -> Outcome:
        return spread_over(even, trial.degrees_of_freedom, matters).decide(alpha).outcome

    yield Same(
        part="chi_square_rival",
        measured=first_beyond(confirms(beside), 1.02, 2.0 * detectable),
        predicted=trial.number("chi_square_rival", detectable=detectable),
        tolerance=tight,
    )
    # Between the ratios that one degree fewer and this many see: rounding cannot decide the count.
    fewer = dof - 0.5
    ratio = float(
        special.gammainccinv(fewer / 2.0, alpha / 2.0) / special.gammaincinv(fewer / 2.0, 0.1)
    )
    yield Same(
        part="planned",
        measured=decide.dof_for_scale(alpha, ratio),
        predicted=trial.number("planned", seeing_degrees=dof),
        tolerance=rounding(trial.dtype, dim=1, why="whole numbers"),
    )
    own = Scale(ratio, "a ratio that the statement is about").replicates(alpha, 1)
    yield Same(
        part="planned",
        measured=own,
        predicted=math.ceil(1.1 * trial.number("planned", seeing_degrees=dof)),
        tolerance=rounding(trial.dtype, dim=1, why="whole numbers"),
        label="and a tenth more",
    )


def uniform_turns(trial: Trial, alpha: float) -> Same:
    """The p-value of the first sample that is refuted, an even one pressed to zero by a power."""
    size = trial.replicate_count
    even = (np.arange(size) + 0.5) / size

    def outcome(x: float) -> Outcome:
        return within(even ** math.exp(x), 1.0).decide(alpha).outcome

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


def uniform_sees(trial: Trial, alpha: float) -> Iterator[Same]:
    """The distance called detectable, and the nearest rival beside which an even sample passes."""
    size = trial.replicate_count
    even = (np.arange(size) + 0.5) / size
    edge = optimize.brentq(lambda x: stats.kstwo.sf(x, size) - alpha, 1e-3, 1.0, xtol=1e-14)
    detectable = float(trial.number("uniform_detectable", critical_distance=edge))
    tight = rounding(trial.dtype, dim=size, condition=1e4, why="the exact tail of a distance")
    yield Same(
        part="uniform_detectable",
        measured=within(even, 1e9).decide(alpha).detectable,
        predicted=detectable,
        tolerance=tight,
    )
    yield Same(
        part="uniform_rival",
        measured=first_beyond(
            confirms(lambda x: within(even, x).decide(alpha).outcome), 1e-3, 4.0 * detectable
        ),
        predicted=trial.number("uniform_rival", detectable=detectable),
        tolerance=tight,
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


def binomial(trial: Trial, alpha: float) -> Iterator[Same]:
    """How many counts of failures are refuted, and their statistics, beside exact fractions."""
    trials, exact = trial.trials, tails(trial.trials, trial.failure_share)
    refuted = sum(tail <= Fraction(alpha) for tail in exact)
    seen = [
        exceeds(count, trials, trial.failure_share).decide(alpha) for count in range(trials + 1)
    ]
    yield Same(
        part="binomial",
        measured=float(sum(verdict.outcome is Outcome.REFUTED for verdict in seen)),
        predicted=float(trial.number("binomial", false_identities=max(refuted, 1))),
        tolerance=rounding(trial.dtype, dim=1, why="whole numbers"),
    )
    few = round(trials * trial.failure_share) + 1
    yield Same(
        part="binomial_statistic",
        measured=[verdict.statistic for verdict in seen[: few + 1]],
        predicted=[
            float(trial.number("binomial_statistic", lower_tail=float(tail)))
            for tail in exact[: few + 1]
        ],
        tolerance=rounding(trial.dtype, dim=trials, condition=1e4, why="tails as fractions"),
        scale=1.0,
    )


def binomial_sees(trial: Trial, alpha: float) -> Iterator[Same]:
    """The share called detectable, by its exact power; rivals, and the default distance."""
    trials, share = trial.trials, trial.failure_share
    whole = rounding(trial.dtype, dim=1, why="whole numbers")
    tight = rounding(trial.dtype, dim=trials, condition=1e4, why="tails as fractions")
    verdict = decide.bound_whp(0, trials, delta=share, alpha=alpha)
    critical = sum(tail > Fraction(alpha) for tail in tails(trials, share))
    detectable = verdict.detectable
    assert detectable is not None
    if critical <= trials:
        yield Same(
            part="binomial_power",
            measured=float(tails(trials, detectable)[critical]),
            predicted=trial.number("binomial_power"),
            tolerance=tight,
        )

    def beside(rate: float) -> Outcome:
        return decide.bound_whp(0, trials, delta=share, alpha=alpha, matters=rate).outcome

    yield Same(
        part="binomial_rival",
        measured=first_beyond(confirms(beside), 0.0, 2.0),
        predicted=trial.number("binomial_rival", detectable=detectable),
        tolerance=tight,
    )
    plain = [decide.bound_whp(0, 4 * trials, delta=p, alpha=alpha) for p in SHARES]
    wanted = [
        verdict.detectable is not None and verdict.detectable <= min(1.0, 3.0 * p)
        for p, verdict in zip(SHARES, plain, strict=True)
    ]
    agree = [
        (verdict.outcome is Outcome.CONFIRMED) == enough
        for verdict, enough in zip(plain, wanted, strict=True)
    ]
    yield Same(
        part="binomial_default",
        measured=float(sum(agree)),
        predicted=trial.number("binomial_default", asked_count=len(SHARES)),
        tolerance=whole,
    )
