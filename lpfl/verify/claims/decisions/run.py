"""DR-02: the finding that decides, the level of a run, and second looks."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import permutations

import numpy as np
import torch

from lpfl.decide import Outcome, Verdict, most_severe
from lpfl.verify.check import (
    ALPHA_TOTAL,
    LOOKS,
    MAX_SCENARIOS,
    Check,
    Finding,
    alpha_per_decision,
    check,
    worst,
)
from lpfl.verify.expect import Below, Comparison, Near, Same
from lpfl.verify.profiles import PROFILES
from lpfl.verify.running.looks import look
from lpfl.verify.setups import combining
from lpfl.verify.space import Integers, Reals, ScenarioSpace
from lpfl.verify.tolerance import judgement, rounding
from lpfl.verify.trial import Trial

PLANNED = 8  # replicates of the first look


@check(
    "DR-02",
    (
        Reals("first_margin", -0.9, 0.9),
        Reals("second_margin", -0.9, 0.9),
        Integers("noisy_claims", 1, 120),
        Integers("decisions", 1, 12),
    ),
)
def of_a_run(trial: Trial) -> Iterator[Comparison]:
    """Pick the deciding finding among two in both orders; add up what a run may spend."""
    trial.admit()
    tight = rounding(trial.dtype, dim=16)
    margins = (trial.first_margin, trial.second_margin)
    for outcome in Outcome:
        for order in (margins, margins[::-1]):
            yield Same(
                part="deciding",
                measured=worst([finding(outcome, margin) for margin in order]).verdict.margin,
                predicted=trial.number("deciding"),
                tolerance=tight,
                label=f"{outcome}, {order[0]:.3g} first",
            )
    yield from beside_bounds(trial)
    orders = list(permutations(Outcome))
    yield Same(
        part="severest",
        measured=float(sum(most_severe(order) is Outcome.REFUTED for order in orders)),
        predicted=trial.number("severest", asked_count=len(orders)),
        tolerance=tight,
    )
    for milder in (Outcome.INCONCLUSIVE, Outcome.CONFIRMED):
        pair = [finding(Outcome.REFUTED, margins[0]), finding(milder, margins[1])]
        for both in (pair, pair[::-1]):
            yield Same(
                part="refuted_first",
                measured=worst(both).verdict.margin,
                predicted=trial.number("refuted_first"),
                tolerance=tight,
                label=f"beside {milder}, {both[0].verdict.outcome} first",
            )
    spent = trial.number(
        "budget",
        decision_level=alpha_per_decision(trial.noisy_claims, trial.decisions),
        most_scenarios=MAX_SCENARIOS,
        looks=LOOKS,
    )
    yield Same(part="budget", measured=spent, predicted=ALPHA_TOTAL, tolerance=tight)
    yield Same(
        part="run_level", measured=spent, predicted=trial.number("run_level"), tolerance=tight
    )
    fixed = max(len(one.space.fixed) for one in every_check())
    yield Below(
        part="profiles",
        measured=[profile.scenarios + fixed for profile in PROFILES.values()],
        limit=trial.number("profiles", most_scenarios=MAX_SCENARIOS),
        tolerance=tight,
    )
    yield from looked_at(trial)
    yield from combining.looked_once(trial)
    yield from combining.of_claims(trial)
    yield combining.if_wrong(trial)
    yield from combining.refusals(trial)


def every_check() -> Iterable[Check]:
    """Return the checks of all claims, which are known once all of them are imported."""
    from lpfl.verify.registry import CHECKS

    return CHECKS.values()


def beside_bounds(trial: Trial) -> Iterator[Same]:
    """A confirmed bound that may be attained beside a finding with a larger margin."""
    for margin in (trial.first_margin, trial.second_margin):
        other = finding(Outcome.CONFIRMED, margin)
        pair = [other, finding(Outcome.CONFIRMED, margin - 0.5, sharp=True)]
        for both in (pair, pair[::-1]):
            yield Same(
                part="attained_last",
                measured=worst(both).verdict.margin,
                predicted=trial.number("attained_last", first_margin=margin),
                tolerance=rounding(trial.dtype, dim=16),
                label="bound first" if both[0] is not other else "bound second",
            )


def looked_at(trial: Trial) -> Iterator[Same]:
    """Look at a scenario that every look leaves open; count replicates, looks and draws."""
    seen: list[tuple[int, float]] = []

    def left_open(inner: Trial) -> Iterator[Comparison]:
        inner.admit()
        count = inner.replicates(PLANNED)
        drawn = torch.rand(1, generator=inner.stream("look"), device=inner.device)
        seen.append((count, float(drawn)))
        yield Near(
            part="deciding",
            samples=np.resize([1.0, -1.0], count),
            predicted=0.0,
            tolerance=judgement(0.05, "far below the spread of the sample"),
        )

    one = Check(trial.claim.id, ScenarioSpace(()), left_open, decisions=1)
    findings = look(one, replace(trial, effort=1, memory={}))
    exact = rounding(trial.dtype, dim=1, why="whole numbers")
    yield Same(
        part="second_look",
        measured=seen[-1][0],
        predicted=trial.number("second_look", planned_replicates=PLANNED),
        tolerance=exact,
    )
    yield Same(
        part="looks",
        measured=len({drawn for _, drawn in seen}),
        predicted=trial.number("looks", asked_count=LOOKS),
        tolerance=exact,
    )
    yield Same(
        part="level_used",
        measured=findings[0].verdict.alpha,
        predicted=trial.number("level_used", decision_level=trial.alpha),
        tolerance=exact,
    )


def finding(outcome: Outcome, margin: float, *, sharp: bool = False) -> Finding:
    """Return a finding with this outcome and margin; sharp: of a bound that may be attained."""
    verdict = Verdict(outcome=outcome, statistic=1.0 - margin, margin=margin, sharp=sharp)
    return Finding("a part", verdict)
