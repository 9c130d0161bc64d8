"""A switch of the definition that an optimizer has turned on for good, and says so."""

import re
from dataclasses import replace

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.conventions import search
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.definition.trajectory_verdict import held
from lpfl.conformance.outcomes import CheckResult, Outcome, worst

SWITCHES = {
    "centered": re.compile(r"\bcent(ere|re)d\b", re.I),
    "amsgrad": re.compile(r"\bams", re.I),
}
"""Options that are off in a definition, with words by which a documentation speaks of them."""


def built_in(comparison: Comparison) -> CheckResult | None:
    """Return the answer if every step is the method's with a switch on that no option turns.

    None also where no word is said of it: then the steps are those of another method.
    """
    oracle, subject = comparison.oracle, comparison.subject
    for name, words in SWITCHES.items():
        offered = name in comparison.where or name in oracle.fixed
        if oracle.options.get(name) is not False or offered:
            continue
        if not words.search(documentation(subject, comparison.runs_optimizer())):
            continue
        other = Comparison(subject, replace(oracle, fixed={**oracle.fixed, name: True}))
        fit = search(other)
        if fit is None or fit.miss is not None:
            continue
        answer = held(other, fit)
        if answer.outcome is Outcome.DEVIATES:
            continue
        return as_built_in(answer, oracle.claim, name, f", {name}")
    return None


def as_built_in(answer: CheckResult, claim: str, name: str, words: str) -> CheckResult:
    """Return the answer about a method with something built in as a variant that names it."""
    method = f"Every step is {claim}'s"
    return replace(
        answer,
        outcome=worst([answer.outcome, Outcome.VARIANT]),
        message=answer.message.replace(method, f"{method}{words}", 1),
        convention={name: "built in", **answer.convention},
    )
