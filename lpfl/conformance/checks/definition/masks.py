"""A cautious mask that is built in: a documented variant where it is said, else another rule."""

import re
from dataclasses import replace
from typing import Any

import torch

from lpfl.conformance.checks.definition.built_in import as_built_in, built_in
from lpfl.conformance.checks.definition.own_constants import with_own_constants
from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.conventions import Fit, search
from lpfl.conformance.definition.grid import documentation, own_classes, unsaid
from lpfl.conformance.definition.runs import Candidate
from lpfl.conformance.definition.scenarios import Scenario
from lpfl.conformance.definition.settings import fitting
from lpfl.conformance.definition.trajectory_snippet import SHOWN, first_miss
from lpfl.conformance.definition.trajectory_verdict import accuse, held, judge
from lpfl.conformance.oracles.base import Oracle
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.subject import Subject

MASK = "cautious mask"
SAID = re.compile(
    r"cautious|\bC-(AdamW?|Lion|Muon|SGD|Adan|LAMB)\b|\bLiang et al|"
    r"\bmask\w*[^.]{0,80}\bsigns?\b|\bsigns?\b[^.]{0,80}\bmask",
    re.IGNORECASE,
)
"""The name of the mask, of a method under it or of its authors, or a mask by signs."""


def judged(subject: Subject, oracle: Oracle) -> CheckResult:
    """Return the answer about one form of a claim, a mask without an option being a reading."""
    comparison = Comparison(subject, oracle)
    answer = judge(comparison)
    if answer.outcome is not Outcome.DEVIATES:
        return answer
    found = always_masked(comparison) or built_in(comparison) or with_own_constants(comparison)
    return found or answer


def always_masked(comparison: Comparison) -> CheckResult | None:
    """Return the answer if every step is the method's under a mask that no option switches."""
    oracle = comparison.oracle
    if "cautious" not in oracle.options or "cautious" in comparison.where:
        return None
    if oracle.fixed.get("cautious") or not stands_still(comparison):
        return None
    masked = replace(oracle, fixed={**oracle.fixed, "cautious": True})
    other = Comparison(comparison.subject, masked)
    fit = search(other)
    if fit is None or fit.miss is not None:
        return None
    if not told(other):
        return named(comparison, other, fit)
    answer = held(other, fit)
    if answer.outcome is Outcome.DEVIATES:
        return answer
    return as_built_in(answer, oracle.claim, MASK, f" under a {MASK}")


def stands_still(comparison: Comparison) -> bool:
    """Return whether some entries, and not all, stand still while they have a gradient."""
    usual = fitting(comparison.oracle)
    plain: dict[str, Any] = {"weight_decay": 0.0} if "weight_decay" in comparison.where else {}
    decays = "weight_decay" in comparison.oracle.options and not plain
    scenario = Scenario("which entries move", usual.shapes, steps=8, options=plain)
    for run in comparison.runs(scenario):
        for row, moves in zip(run.gradients, run.moves(), strict=True):
            for g, move in zip(row, moves, strict=True):
                still = bool(((move == 0) & (g != 0)).any())
                if (still or decays) and not torch.equal(move, 0 * move):
                    return True
    return False


def told(comparison: Comparison) -> bool:
    """Return whether the subject's docstrings or its name speak of the mask."""
    optimizer = comparison.runs_optimizer()
    names = [kind.__name__ for kind in own_classes(optimizer)]
    names += [
        comparison.subject.spec.name,
        getattr(comparison.subject.spec.factory, "__name__", ""),
    ]
    short = {f"c{comparison.oracle.claim}"}  # C-AdamW and C-Lion, as its authors write
    if any(name.lower().replace("-", "").replace("_", "") in short for name in names):
        return True
    return bool(SAID.search(" ".join([*names, documentation(comparison.subject, optimizer)])))


def named(comparison: Comparison, masked: Comparison, fit: Fit) -> CheckResult:
    """The mask is nowhere spoken of: the method is another one."""
    faults = unsaid(masked, fit.candidate.convention)
    paper = {axis: comparison.oracle.paper()[axis] for axis in faults}
    reading = Candidate({**fit.candidate.convention, **paper}, fit.candidate.hidden)
    others = "".join(f"; {axis}: {value}" for axis, value in faults.items())
    text = f"Every step is that of {comparison.oracle.claim} with another rule ({MASK}{others})"
    made = comparison.made()
    shown = [run for run in made if first_miss(run, comparison, reading, SHOWN)]
    return accuse(comparison, reading, (shown or made)[0], 1, text)
