"""Switches of bias correction and of decoupled decay, turned over: another reading must fit."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.conventions import Fit, confront, fitted
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.definition.option_names import CORRECTION
from lpfl.conformance.definition.precision import bounds
from lpfl.conformance.definition.runs import Candidate, Run
from lpfl.conformance.definition.settings import fitting
from lpfl.conformance.definition.trajectory_snippet import SHOWN, first_miss
from lpfl.conformance.definition.trajectory_verdict import accuse
from lpfl.conformance.oracles import oracle_of
from lpfl.conformance.oracles.base import Oracle
from lpfl.conformance.oracles.moments import DECOUPLED, SCHEDULED
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

ID = "def.switches"
APART = (
    "adam_w_mode", "adamw_mode", "decouple", "decouple_wd", "decouple_weight_decay", "decoupled",
    "decoupled_decay", "decoupled_wd", "decoupled_weight_decay", "weight_decouple",
)  # fmt: skip
"""Names of switches between a decay of its own and one in the gradient."""
L2 = ("L2 in the gradient",)
OWN = tuple(kind for kind in DECOUPLED if kind != SCHEDULED)
CLOSE = 1e-6
ONE = re.compile(
    r"\b(only|just|first|second|numerator|denominator|square)\b[^.]{0,80}\b(correct|bias|debias)|"
    r"\b(correct|bias|debias)\w*[^.]{0,80}\b(only|just|first|second|numerator|denominator|square)\b",
    re.IGNORECASE,
)
"""Words by which one of two corrections alone is told to be meant."""


@dataclass(frozen=True)
class Turned:
    """A switch with its other value, and the values of an axis that it then stands for."""

    option: str
    value: bool
    axis: str
    meant: tuple[str, ...]


def has_axis(claims: frozenset[str]) -> bool:
    """Return whether a claimed method has decay or bias correction in more than one reading."""
    known = [o for claim in claims if (o := oracle_of(claim))]
    return any({"decay", "bias correction"} & o.conventions.keys() for o in known)


@check(ID, tags=("def",), cost=0.2, claims=has_axis)
def turned_over(subject: Subject) -> Iterable[CheckResult]:
    """Without bias correction, or with decay in the gradient, steps are the method's read so."""
    found: list[CheckResult] = []
    held = 0
    for claim in sorted(subject.spec.claims):
        oracle = oracle_of(claim)
        switches = list(_switches(subject, oracle)) if oracle is not None else []
        if oracle is None or not switches:
            continue
        usual = _usual(subject, oracle)
        if usual is None:
            continue
        for switch in switches:
            answer = _judged(subject, usual[0], usual[1], switch)
            found += [answer] if answer is not None else []
            held += answer is None
    yield from found[:1]
    if held and not found:
        message = f"The steps under {held} switches turned over are those of the claimed method."
        yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)


def _switches(subject: Subject, oracle: Oracle) -> Iterator[Turned]:
    """Yield the switches that the constructor names and that choose a reading of the method."""
    corrections = oracle.conventions.get("bias correction", ())
    decays = oracle.conventions.get("decay", ())
    for name in sorted(subject.constructor_names - oracle.options.keys()):
        held = subject.default(name)
        if not isinstance(held, bool):
            continue
        if name in CORRECTION and held and "none" in corrections:
            yield Turned(name, False, "bias correction", ("none",))
        meant = tuple(kind for kind in (L2 if held else OWN) if kind in decays)
        if name in APART and meant:
            yield Turned(name, not held, "decay", meant)


def _usual(subject: Subject, oracle: Oracle) -> tuple[Oracle, Candidate] | None:
    """Return the form and the reading that fit as long as no switch is turned."""
    for form in filter(None, map(oracle_of, (oracle.claim, *oracle.forms))):
        comparison = Comparison(subject, form)
        fit = next(fitted(comparison, departures=False), None)
        if fit is not None and fit.inexact is None:
            return form, fit.candidate
    return None


def _judged(
    subject: Subject, oracle: Oracle, reading: Candidate, switch: Turned
) -> CheckResult | None:
    """Return the finding about one switch, if there is one."""
    comparison = Comparison(subject, oracle, off={switch.option: switch.value})
    axis, option = switch.axis, f"{switch.option}={switch.value}"
    needed = oracle.relevant.get(axis)
    runs = comparison.runs(fitting(oracle))
    if not runs or (needed and not comparison.is_on(needed)):
        return None
    if any(
        _fits(comparison, runs, r)
        for kind in switch.meant
        for r in _near(oracle, reading, axis, kind)
    ):
        return None
    meant = Candidate({**reading.convention, axis: switch.meant[0]}, reading.hidden)
    others = [k for k in oracle.conventions[axis] if k not in switch.meant]
    other = next(
        (
            k
            for k in others
            if any(_fits(comparison, runs, r) for r in _near(oracle, reading, axis, k))
        ),
        "",
    )
    run = next((r for r in runs if first_miss(r, comparison, meant, SHOWN)), None)
    if run is None:
        return None
    if axis == "bias correction" and other and _told_of_one(subject, comparison):
        return None
    text = f"{oracle.claim} with {option}: {axis} is {other or 'that of no reading'}"
    text += f", not {switch.meant[0]}"
    answer = accuse(comparison, meant, run, first_miss(run, comparison, meant, SHOWN) or 1, text)
    answer = replace(answer, check=ID)
    if other and other == reading.convention.get(axis):
        said = f"{oracle.claim}: {option} is taken, and {axis} stays {other}."
        return replace(answer, outcome=Outcome.LIMIT, message=said)
    return answer


def _near(oracle: Oracle, reading: Candidate, axis: str, kind: str) -> Iterator[Candidate]:
    """Yield readings with this value of an axis: as found before, or with epsilon elsewhere."""
    for eps in dict.fromkeys(
        [reading.convention.get("eps", ""), *oracle.conventions.get("eps", ())]
    ):
        held = {**reading.convention, axis: kind}
        yield Candidate({**held, "eps": eps} if eps else held, reading.hidden)


def _fits(comparison: Comparison, runs: list[Run], reading: Candidate) -> bool:
    """Return whether a reading fits in all steps, but perhaps the first: what may be its own."""
    if all(confront(comparison, Fit(reading), run) for run in runs):
        return True
    oracle = comparison.oracle
    later = [(comparison.gaps(run, reading)[1:], bounds(oracle, run, reading)[1:]) for run in runs]
    return all(
        error <= max(bound, CLOSE)
        for errors, allowed in later
        for error, bound in zip(errors, allowed, strict=True)
    )


def _told_of_one(subject: Subject, comparison: Comparison) -> bool:
    return bool(ONE.search(documentation(subject, comparison.runs_optimizer())))
