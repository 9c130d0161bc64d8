"""A check: one claim, the space it is drawn from, and how one scenario is measured."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lpfl.decide import Outcome, Verdict
from lpfl.verify import domains
from lpfl.verify.expect import ChiSquare, Comparison, Near, Rival, Shown, UniformLaw
from lpfl.verify.scenario import Scenario
from lpfl.verify.sensitivity import outcomes_if_wrong
from lpfl.verify.space import Axis, ScenarioSpace
from lpfl.verify.trial import Trial, as_numpy, condition_of, default_facts
from theory.core.claim import Claim

__all__ = [
    "ALPHA_TOTAL",
    "MAX_SCENARIOS",
    "Check",
    "Finding",
    "Trial",
    "alpha_per_decision",
    "as_numpy",
    "check",
    "condition_of",
    "decided",
    "default_facts",
    "findings_of",
    "worst",
]

ALPHA_TOTAL = 1e-4
DOMAIN = "domain"  # what a finding is called that is about no part
LOOKS = 2  # an open scenario is looked at once more (looks.py)
MAX_SCENARIOS = 256  # more than any profile evaluates for one claim: 200 drawn plus anchors


@dataclass(frozen=True)
class Finding:
    """One decision about one part of a claim in one scenario.

    part: a part of the claim, or a declared extra of its check. label: which variant of the part.
    if_wrong: the outcome had the prediction been wrong by a share. exact: the statistic has an
    exact law, so that its p-value is uniform if the statement is true. rival: the nearest other
    statement.
    table: {"title", "header": texts, "rows": lists of texts, "note"}, the note if there is one.
    """

    part: str
    verdict: Verdict
    picture: Mapping[str, Any] | None = None
    table: Mapping[str, Any] | None = None
    label: str = ""
    if_wrong: Mapping[float, Outcome] = field(default_factory=dict)
    exact: bool = False
    rival: Rival | None = None

    @property
    def name(self) -> str:
        """The part, and which variant of it."""
        return f"{self.part}: {self.label}" if self.label else self.part


Yield = Comparison | Shown | Finding
Measure = Callable[[Trial], Iterable[Yield]]


@dataclass(frozen=True)
class Extra:
    """Something beyond the parts of the statement, measured on some scenarios only."""

    name: str
    measure: Measure
    on: Collection[Scenario] | None = None

    def applies(self, scenario: Scenario) -> bool:
        """Say whether the extra is measured at ``scenario``."""
        return self.on is None or scenario in self.on


@dataclass(frozen=True)
class Check:
    """How a claim is confronted with runs.

    measure(trial) -> findings. decisions: how many of them may be statistical (each gets an equal
    share of the error budget, more are refused). facts(scenario): what the claim's assumptions are
    evaluated on before a run. Findings name parts of the claim or declared extras, and the domain
    is tested on the facts of the run.
    """

    claim_id: str
    space: ScenarioSpace
    measure: Measure
    decisions: int = 0
    facts: Callable[[Scenario], Mapping[str, Any]] = default_facts
    extras: list[Extra] = field(default_factory=list, compare=False)
    pictures: list[Extra] = field(default_factory=list, compare=False)

    @property
    def defined_at(self) -> tuple[str, int]:
        """Module and line of the measurement."""
        return self.measure.__module__, self.measure.__code__.co_firstlineno

    def extra(
        self, name: str, *, on: Collection[Scenario] | None = None
    ) -> Callable[[Measure], Measure]:
        """Declare a measurement whose findings are called ``name``; ``on``: these scenarios."""

        def keep(measure: Measure) -> Measure:
            self.extras.append(Extra(name, measure, on))
            return measure

        return keep

    def picture(
        self, *, on: Collection[Scenario]
    ) -> Callable[[Callable[[Trial], Any]], Callable[[Trial], Any]]:
        """Declare a function that draws a picture of these scenarios, after the measurement."""

        def keep(draw: Callable[[Trial], Any]) -> Callable[[Trial], Any]:
            self.pictures.append(Extra("picture", draw, on))
            return draw

        return keep

    def require_domain(self, claim: Claim, scenario: Scenario) -> None:
        """Raise ValueError if ``scenario`` violates an assumption of ``claim``."""
        problems = claim.violated(self.facts(scenario))
        if problems:
            raise ValueError(f"{claim.id}: scenario outside the domain: {'; '.join(problems)}")


def check(
    claim_id: str,
    axes: Sequence[Axis],
    *,
    anchors: Sequence[Scenario] = (),
    large: Sequence[Scenario] = (),
    decisions: int = 0,
    facts: Callable[[Scenario], Mapping[str, Any]] = default_facts,
) -> Callable[[Measure], Check]:
    """Turn ``measure(trial)``, which yields comparisons, into the check of a claim.

    Discovery finds the result by its type: nothing is listed anywhere. large: anchors that only the
    profiles from ci on run.
    """

    def build(measure: Measure) -> Check:
        space = ScenarioSpace(axes=tuple(axes), anchors=tuple(anchors), large=tuple(large))
        return Check(claim_id, space, measure, decisions=decisions, facts=facts)

    return build


def findings_of(one: Check, trial: Trial) -> list[Finding]:
    """Measure one scenario and decide every comparison.

    Raises ValueError if the check yields more statistical decisions than it declared (the error
    budget would not hold), names a part that neither the claim nor the check declares, or ran
    without testing the domain on its own facts. A statement whose domain is not the one that its
    runs were planned for is refuted.
    """
    measured = list(one.measure(trial))
    trial.memory["measured"] = measured  # extras may look at them again
    findings = [decided(item, trial) for item in measured]
    names = {*trial.claim.parts, DOMAIN}
    for extra in one.extras:
        names.add(extra.name)
        if extra.applies(trial.scenario):
            findings += [decided(item, trial) for item in extra.measure(trial)]
    for drawn in one.pictures:
        if drawn.applies(trial.scenario) and findings:
            findings[0] = replace(findings[0], picture=_as_picture(drawn.measure(trial)))
    noisy = sum(finding.verdict.alpha > 0.0 for finding in findings)
    if noisy > one.decisions:
        raise ValueError(
            f"{one.claim_id}: {noisy} statistical decisions in one scenario, the check declares "
            f"{one.decisions}: the error budget would not hold"
        )
    spent = sum(finding.verdict.alpha for finding in findings)
    if spent > trial.alpha * max(one.decisions, 1) * (1.0 + 1e-9):
        raise ValueError(f"{one.claim_id}: level {spent:.3g} spent, needs <= its share")
    unknown = sorted({finding.part for finding in findings} - names)
    if unknown:
        raise ValueError(f"{one.claim_id}: findings name {unknown}, needs one of {sorted(names)}")
    trial.require_admitted()
    wrong = domains.difference(trial.claim)
    return [*findings, _another_domain(wrong)] if wrong else findings


def _another_domain(wrong: str) -> Finding:
    """Return the finding that a statement is made for other scenarios than it was planned for."""
    return Finding(DOMAIN, Verdict(Outcome.REFUTED, statistic=2.0, margin=-1.0, detail=wrong))


def _as_picture(drawn: Any) -> Mapping[str, Any]:
    return dict(drawn)


def decided(item: Yield, trial: Trial) -> Finding:
    """Return the finding of one comparison, at the level of one decision."""
    if isinstance(item, Finding):
        return item
    if isinstance(item, Shown):
        inner = decided(item.comparison, trial)
        return replace(inner, picture=item.picture, table=item.table)
    return Finding(
        item.part,
        item.decide(trial.alpha),
        label=item.label,
        if_wrong=outcomes_if_wrong(item, trial.alpha),
        exact=isinstance(item, ChiSquare | UniformLaw),
        rival=item.rival if isinstance(item, Near) else None,
    )


def alpha_per_decision(noisy_claims: int, decisions: int) -> float:
    """Return the level of one decision: the union bound over all that may be decided."""
    shares = max(noisy_claims, 1) * MAX_SCENARIOS * LOOKS * max(decisions, 1)
    return ALPHA_TOTAL / shares


def worst(findings: Sequence[Finding]) -> Finding:
    """Return the finding that decides: refuted before inconclusive, then the smallest margin.

    A confirmed bound that may be attained comes last: its margin may be zero by nature.
    """
    severity = {Outcome.REFUTED: 0, Outcome.INCONCLUSIVE: 1, Outcome.CONFIRMED: 2}

    def rank(finding: Finding) -> tuple[int, bool, float]:
        verdict = finding.verdict
        attained = verdict.sharp and verdict.outcome is Outcome.CONFIRMED
        return (severity[verdict.outcome], attained, verdict.margin)

    return min(findings, key=rank)
