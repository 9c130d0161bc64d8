"""A switch of the definition that an optimizer has turned on for good, and says so."""

import re
from dataclasses import replace

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.conventions import search
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.definition.trajectory_verdict import held
from lpfl.conformance.oracles.moments import CAUTIOUS_DECAY, DECOUPLED, OF_GRADIENT, STRICTLY
from lpfl.conformance.outcomes import CheckResult, Outcome, worst

SWITCHES = {
    "centered": re.compile(r"\bcent(ere|re)d\b", re.I),
    "amsgrad": re.compile(r"\bams", re.I),
    CAUTIOUS_DECAY: re.compile(
        r"\bcautious\w*[^.]{0,20}(decay|wd\b)|\bCWD\b|"
        r"\bdecay[^.]{0,120}\b(signs?\b|agree|align|oppos|towards? zero)",
        re.I,
    ),
}
"""Switches that are off in a definition, with words by which a documentation speaks of them."""
VALUES = {CAUTIOUS_DECAY: (True, STRICTLY, *OF_GRADIENT)}
"""Switches of more than one form."""


def built_in(comparison: Comparison) -> CheckResult | None:
    """Return the answer if every step is the method's with a switch on that no option turns.

    None also where no word is said of it: then the steps are those of another method.
    """
    oracle, subject = comparison.oracle, comparison.subject
    known = {**oracle.options, **_of_decay(comparison)}
    for name, words in SWITCHES.items():
        offered = name in comparison.where or name in oracle.fixed
        if known.get(name) is not False or offered:
            continue
        if not words.search(documentation(subject, comparison.runs_optimizer())):
            continue
        for value in VALUES.get(name, (True,)):
            fixed = {**oracle.fixed, name: value}
            other = Comparison(subject, replace(oracle, options=known, fixed=fixed))
            fit = search(other)
            if fit is None or fit.miss is not None:
                continue
            if name == CAUTIOUS_DECAY:  # a sign of what is nearly 0 turns with rounding
                fit.inexact = None
            answer = held(other, fit)
            if answer.outcome is not Outcome.DEVIATES:
                return as_built_in(answer, oracle.claim, name, f", {name.replace('_', ' ')}")
    return None


def _of_decay(comparison: Comparison) -> dict[str, bool]:
    """Return the switch of cautious weight decay, for a method whose decay is decoupled."""
    decoupled = set(DECOUPLED) & set(comparison.oracle.conventions.get("decay", ()))
    return {CAUTIOUS_DECAY: False} if decoupled and "weight_decay" in comparison.where else {}


def as_built_in(answer: CheckResult, claim: str, name: str, words: str) -> CheckResult:
    """Return the answer about a method with something built in as a variant that names it."""
    method = f"Every step is {claim}'s"
    return replace(
        answer,
        outcome=worst([answer.outcome, Outcome.VARIANT]),
        message=answer.message.replace(method, f"{method}{words}", 1),
        convention={name: "built in", **answer.convention},
    )
