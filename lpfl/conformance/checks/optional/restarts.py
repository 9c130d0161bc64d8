"""Restarts of an optimizer's own: told to begin anew, a run goes on as a fresh one does."""

import contextlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from lpfl.conformance.checks.optional.off import ACTS, offered
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import attributable, tolerance
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject, Trajectory
from lpfl.conformance.trajectory import end_gap, gap

ID = "api.restarts"
NAME = re.compile(r"(^|_)(restart|reset)s?(_(every|steps|period|interval|freq(uency)?))?$")
ANEW = re.compile(
    r"\b(next|following) step is (again )?(a|the|like a|like the|as the) first\b"
    r"|\b(moments?|averages?|state)\b[^.]*\band\b[^.]*\b(counts?|counters?)\b[^.]*"
    r"\b(set back|reset|zeroed|cleared|start(s|ed)? (anew|afresh))\b",
    re.IGNORECASE,
)
"""Words by which moments and counts of steps begin anew."""
PERIOD, STEPS, AFTER = 10, 16, 4
SHAPES = ((6, 4), (5,))


@check(ID, tags=("api",), cost=0.1, needs=("params",))
def restarts(subject: Subject) -> Iterable[CheckResult]:
    """After a restart that is told to set all back, the run goes on as a fresh one."""
    names = [name for name in offered(subject) if _counts(subject, name)]
    shapes = subject.shapes(*SHAPES)
    if names:
        start, _ = subject.draw(shapes, 0, ID)
        if not ANEW.search(documentation(subject, subject.open(start).optimizer)):
            names = []
    for name in names:
        with contextlib.suppress(Exception):  # so short a period is refused
            if (answer := _judged(subject, name, shapes)) is not None:
                yield answer
                return


def _counts(subject: Subject, name: str) -> bool:
    held: Any = subject.default(name)
    whole = isinstance(held, int) and not isinstance(held, bool)
    return bool(NAME.search(name)) and (whole or held is None)


def _judged(subject: Subject, name: str, shapes: list[tuple[int, ...]]) -> CheckResult | None:
    start, gradients = subject.draw(shapes, STEPS, ID)
    options: Mapping[str, Any] = {name: PERIOD}
    run = subject.run(start, gradients, options=options)
    if gap(run, subject.run(start, gradients, options={name: 10 * STEPS})) <= ACTS:
        return None
    offs = []
    for at in (PERIOD - 1, PERIOD, PERIOD + 1):
        fresh = subject.run(run.values[at], gradients[at : at + AFTER], options=options)
        offs.append(end_gap(Trajectory(run.values[at : at + AFTER + 1]), fresh))
    off, bound = min(offs), max(ACTS, tolerance(subject, ID))
    message = f"After {name}={PERIOD} steps the run is {off:.2g} of the way from a fresh one."
    if off <= bound or not attributable(subject, off, start, gradients, options=options):
        outcome = Outcome.CONFORMS if off <= bound else Outcome.INCONCLUSIVE
        return CheckResult(check=ID, outcome=outcome, message=message, measured=off, bound=bound)
    body = f"""
def off(at):
    optimizer, params = begin(start, **{options!r})
    for g in gradients[:at]:
        step(optimizer, params, g)
    then = read(optimizer, params)
    for g in gradients[at:at + {AFTER}]:
        step(optimizer, params, g)
    fresh = run(then, gradients[at:at + {AFTER}], **{options!r})
    return gap(read(optimizer, params), fresh, then)


print('off a fresh run', min(off({PERIOD} + i) for i in (-1, 0, 1)))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"{message[:-1]}, where the documentation tells that all begins anew.",
        measured=off,
        bound=bound,
        scenario={"options": dict(options)},
        **evidence(subject, body, off, shapes=shapes, steps=STEPS, stream=(ID,)),
    )
