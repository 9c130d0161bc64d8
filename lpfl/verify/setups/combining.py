"""What a run makes of its findings: verdicts of claims and parts, regions, and refusals."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import permutations
from typing import Any

import numpy as np

from lpfl.decide import Outcome, Verdict
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.verify.check import Check, Finding, findings_of
from lpfl.verify.expect import Near, Same
from lpfl.verify.running.claim_run import ClaimRun, Record
from lpfl.verify.running.looks import look
from lpfl.verify.scenario import Scenario
from lpfl.verify.sensitivity import outcomes_if_wrong, strongest
from lpfl.verify.space import ScenarioSpace
from lpfl.verify.tolerance import judgement, rounding
from lpfl.verify.trial import Trial
from theory.core.claim import Claim

WORDS = ("one", "two", "three")
PLACES = (1, 2, 0)  # of the scenarios of a run, in the order in which they come
ROOM = judgement(1.0, "far above the spread of the sample")
REFUSALS = (ValueError, LookupError)
ROWS_OF_A_FLOOR, WITHIN_A_FACTOR = "LR-12", "SI-21"  # claims whose domains end at such numbers


def counted(trial: Trial, label: str, holds: Sequence[bool]) -> Same:
    """Compare how many of some cases hold with how many there are."""
    return Same(
        part="severest",
        measured=float(sum(holds)),
        predicted=float(trial.number("severest", asked_count=len(holds))),
        tolerance=rounding(trial.dtype, dim=1, why="whole numbers"),
        label=label,
    )


def of_claims(trial: Trial) -> Iterator[Same]:
    """Let the first part of a claim end in every way, one scenario each, in every order."""
    orders = list(permutations(Outcome))
    found = [summary(trial, order) for order in orders]
    first, second, *others = trial.claim.parts
    yield counted(trial, "refuted claims", [one["verdict"] == "refuted" for one in found])
    outcomes = [[one["parts"][name]["outcome"] for name in (first, second)] for one in found]
    wanted = ["refuted", "confirmed"]
    yield counted(trial, "a refuted part beside others", [pair == wanted for pair in outcomes])
    places = [scenario(PLACES[order.index(Outcome.REFUTED)]).as_json() for order in orders]
    pairs = zip(found, places, strict=True)
    shown = [one["worst"]["scenario"] == place for one, place in pairs]
    yield counted(trial, "the scenario that refutes is shown", shown)
    whole = {"number": [0.0, len(WORDS) - 1.0], "word": sorted(WORDS)}
    yield counted(trial, "regions", [one["region"] == whole for one in found])
    confirmed = [Outcome.CONFIRMED] * len(WORDS)
    for left_out, verdict in ((0, "confirmed"), (1, "inconclusive"), (len(others), "inconclusive")):
        named = list(trial.claim.parts)[left_out:]
        seen = summary(trial, confirmed, named)["verdict"]
        yield counted(trial, f"{left_out} parts not confronted", [seen == verdict])


def summary(trial: Trial, order: Sequence[Outcome], named: Sequence[str] | None = None) -> Record:
    """Return the claim record of a run whose first part ends as ``order`` says, the others well."""
    first, *others = trial.claim.parts if named is None else named
    run = ClaimRun(trial.claim)
    for number, outcome in zip(PLACES, order, strict=True):
        findings = [of_part(first, outcome), *(of_part(name) for name in others)]
        run.add(replace(trial, scenario=scenario(number), memory={}), findings)
    return run.records()[-1]


def scenario(number: int) -> Scenario:
    """Return a scenario with a number and a word."""
    return Scenario({"number": number, "word": WORDS[number]})


def of_part(name: str, outcome: Outcome = Outcome.CONFIRMED) -> Finding:
    """Return a finding of a part."""
    return Finding(name, Verdict(outcome=outcome, statistic=0.5, margin=0.5))


def if_wrong(trial: Trial) -> Same:
    """Of a prediction moved up and down the weaker answer counts; of several findings the stronger.

    The prediction is a tenth too low: moved up by as much it is right.
    """
    low = Same(part="", measured=1.1, predicted=1.0, tolerance=judgement(0.01, "below 5 %"))
    found = outcomes_if_wrong(low, trial.alpha)
    both = strongest([{0.1: Outcome.CONFIRMED}, {0.1: Outcome.REFUTED}])
    wanted = {0.05: Outcome.REFUTED, 0.1: Outcome.CONFIRMED, 0.25: Outcome.REFUTED}
    holds = [found[share] is outcome for share, outcome in wanted.items()]
    return counted(trial, "had it been wrong", [*holds, both[0.1] is Outcome.REFUTED])


def looked_once(trial: Trial) -> Iterator[Same]:
    """A scenario that is confirmed or refuted at the first look gets no second one."""
    for predicted in (0.0, 9.0):
        looks: list[int] = []

        def decided(inner: Trial, seen: list[int] = looks, at: float = predicted) -> Iterator[Near]:
            inner.admit()
            seen.append(inner.effort)
            yield near(trial, predicted=at)

        look(one_check(trial, decided), replace(trial, effort=1, memory={}))
        yield counted(trial, f"one look, prediction {predicted:g} off", [looks == [1]])


def refusals(trial: Trial) -> Iterator[Same]:
    """What would break the error budget, or lies outside the domain, is refused."""
    for name, (attempt, inside) in {**of_budget(trial), **of_domains(trial)}.items():
        yield counted(trial, f"{name}: {'in' if inside else 'out'}", [accepted(attempt) is inside])


def of_budget(trial: Trial) -> dict[str, tuple[Callable[[], Any], bool]]:
    """Return checks that declare one decision, and whether they keep to it."""
    one, inner = near(trial), replace(trial, memory={})
    verdict = one.decide(2.0 * trial.alpha)
    double = Finding(one.part, verdict)

    def attempt(*first: Any, more: Sequence[Any] = (), admit: bool = True) -> Callable[[], Any]:
        def measured(at: Trial) -> Iterator[Any]:
            if admit:
                at.admit()
            yield from first

        made = one_check(trial, measured)
        if more:
            made.extra("more")(lambda at: iter(more))
        return lambda: findings_of(made, replace(inner, memory={}))

    return {
        "one decision": (attempt(one), True),
        "two decisions": (attempt(one, one), False),
        "one decision more in an extra": (attempt(one, more=[replace(one, part="more")]), False),
        "twice the level": (attempt(double), False),
        "a part that is not declared": (attempt(replace(one, part="unknown")), False),
        "a run that was not admitted": (attempt(one, admit=False), False),
    }


def of_domains(trial: Trial) -> dict[str, tuple[Callable[[], Any], bool]]:
    """Return scenarios and runs just inside and just outside of the domain of another claim."""
    from lpfl.verify.registry import CLAIMS

    floor, factor = CLAIMS[ROWS_OF_A_FLOOR], CLAIMS[WITHIN_A_FACTOR]
    least = floor.example["input_dim"] + 2
    cases: dict[str, tuple[Callable[[], Any], bool]] = {}
    for rows, inside in ((least, True), (least - 1, False)):
        at = Scenario({**floor.example, "batch_size": rows})
        cases[f"a scenario of d + {rows - least + 2} rows"] = (planned(floor, at), inside)
        run = Trial(floor, Scenario(dict(floor.example)), trial.seed, trial.alpha)
        cases[f"a run of d + {rows - least + 2} rows"] = (
            partial(run.admit, batch_size=rows),
            inside,
        )
    others = {key: value for key, value in factor.example.items() if key != "condition_number"}
    for condition, inside in ((15.0, True), (30.0, False)):
        spec = CovarianceSpec(4, "geometric", math.log10(condition))
        at = Scenario({**others, "covariance": spec})
        cases[f"eigenvalues within a factor of {condition:g}"] = (planned(factor, at), inside)
    return cases


def planned(claim: Claim, at: Scenario) -> Callable[[], Any]:
    """Return the test of a scenario before its run."""
    check = Check(claim.id, ScenarioSpace(()), lambda _: ())
    return lambda: check.require_domain(claim, at)


def accepted(attempt: Callable[[], Any]) -> bool:
    """Say whether nothing was refused."""
    try:
        attempt()
    except REFUSALS:
        return False
    return True


def one_check(trial: Trial, measure: Callable[[Trial], Any]) -> Check:
    """Return a check of this claim that declares one decision."""
    return Check(trial.claim.id, ScenarioSpace(()), measure, decisions=1)


def near(trial: Trial, *, predicted: float = 0.0) -> Near:
    """Return a statistical comparison: confirmed at 0, refuted far from it."""
    first: Mapping[str, Any] = trial.claim.parts
    samples = np.resize([0.001, -0.001], 64)
    return Near(part=next(iter(first)), samples=samples, predicted=predicted, tolerance=ROOM)
