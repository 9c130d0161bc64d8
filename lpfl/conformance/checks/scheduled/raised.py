"""Momentum that is 0 at first and rises in mid-run, as a schedule of momentum may have it."""

import re
from collections.abc import Mapping
from typing import Any

from lpfl.conformance.checks.api.options import strong
from lpfl.conformance.checks.api.paths import UNEVEN_TEXT, uneven
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject
from lpfl.conformance.trajectory import gap

ID = "api.momentum-raised"
SHAPES = ((6, 4), (5,))
STEPS, AFTER = 12, 5
USUAL = 0.9
ACTS, NOTHING = 1e-6, 1e-12
FIXED = re.compile(
    r"momentum[^.]{0,80}(no effect|\bfixed|from the start|at the start|\bonce\b|constructor)",
    re.IGNORECASE,
)
"""Words by which momentum does not follow its entry."""


@check(ID, tags=("api",), cost=0.05, needs=("momentum",))
def raised_from_zero(subject: Subject) -> CheckResult:
    """Momentum that is 0 at first and raised in mid-run acts from then on."""
    if "momentum" not in subject.default_group.keys() & subject.constructor_names:
        return _unasked("momentum is no option of the groups")
    usual, base = subject.default("momentum") or USUAL, strong(subject)
    shapes = subject.shapes(*SHAPES)
    start, drawn = subject.draw(shapes, STEPS, ID)
    gradients = uneven(drawn)

    def later(session: Session, t: int) -> None:
        if t == AFTER:
            session.set(momentum=usual)

    try:
        plain = subject.run(start, gradients, options={**base, "momentum": 0.0})
        given = subject.run(start, gradients, options={**base, "momentum": usual})
    except Exception:
        return _unasked("momentum of 0 is refused")
    if not plain.finite or not given.finite or gap(given, plain) <= ACTS:
        return _unasked("momentum does not act")
    try:
        run = subject.run(start, gradients, options={**base, "momentum": 0.0}, observe=later)
    except Exception as error:
        said, proof = f"raises {told(error)}", type(error).__name__
        if says_so(error):
            message = f"Momentum raised from 0 in mid-run is refused: {told(error)}."
            return CheckResult(check=ID, outcome=Outcome.VARIANT, message=message)
    else:
        acts = gap(run, plain)
        if acts > NOTHING:
            message = f"The effect of momentum raised from 0 in mid-run is {acts:.2g} of the way."
            return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=acts)
        if FIXED.search(documentation(subject, subject.open(start).optimizer)):
            return _unasked("momentum is told to be fixed from the start")
        said, proof = "does nothing", "acts: False"
    more = evidence(subject, _text(base, usual), proof, shapes=shapes, steps=STEPS, stream=(ID,))
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"Momentum that is 0 at first and {usual} from step {AFTER + 1} on {said}; "
        "given to the constructor it acts.",
        scenario={"momentum": 0.0, f"from step {AFTER + 1}": usual, "options": dict(base)},
        **more,
    )


def _unasked(why: str) -> CheckResult:
    return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=f"Not applicable: {why}.")


def _text(base: Mapping[str, Any], usual: float) -> str:
    return f"""{UNEVEN_TEXT}
def ends(later):
    optimizer, params = begin(start, **{dict(base)!r}, momentum=0.0)
    for t, g in enumerate(gradients):
        if later and t == {AFTER}:
            for group in optimizer.param_groups:
                group['momentum'] = {usual!r}
        step(optimizer, params, g)
    return read(optimizer, params)


try:
    print('acts:', gap(ends(True), ends(False), start) > {NOTHING})
except Exception as error:
    print(type(error).__name__)
"""
