"""Options of trust ratios, clips and warm-ups, switched on, at a rate of zero."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lpfl.conformance.checks.wrapped.options import is_number, named
from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.options-at-rate-0"
SHAPES = ((6, 4), (5,))
STEPS, AT_ZERO = 6, 2
NAMES = re.compile(
    r"trust|larc|adaptive_lr|warm_?up|(^|_)agc|clip|ratio|max_(grad_)?norm|momentum|nesterov|decay"
)
VALUES = (0.1, 5)


@check(ID, tags=("api",), cost=0.1, needs=("lr", "inject", "params"))
def at_no_rate(subject: Subject) -> Iterable[CheckResult]:
    """A schedule that begins at lr = 0 raises nothing and loses nothing, with an option on."""
    asked, sets = 0, list(_options(subject))
    if not sets or _lost(subject, {}, 0.0):
        return  # by default too: another check says it
    for options in sets:
        if _lost(subject, options, 1.0):
            continue
        asked += 1
        if lost := _lost(subject, options, 0.0):
            yield _finding(subject, options, lost)
            return
    if asked:
        message = f"Runs that begin at lr = 0 end in numbers, with each of {asked} options on."
        yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)


def _options(subject: Subject) -> Iterator[Mapping[str, Any]]:
    """Yield options that are off by default, each switched on."""
    for name in named(subject, NAMES, switch=True):
        if not subject.default(name):
            yield {name: True}
    for name in named(subject, NAMES):
        held = subject.default(name)
        if not held and is_number(held):
            yield {name: VALUES[1] if isinstance(held, int) else VALUES[0]}


def _lost(subject: Subject, options: Mapping[str, Any], factor: float) -> str:
    """Return how a run whose first rates are a multiple of the usual one is lost, if it is."""
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, ID)
    try:
        session = subject.open(start, options=options)
        rate = session.optimizer.param_groups[0]["lr"]
        for t, row in enumerate(gradients):
            if factor != 1 and t in (0, AT_ZERO):
                session.set(lr=factor * float(rate) if t == 0 else float(rate))
            session.step(row)
    except Exception as error:
        return "" if says_so(error) and factor == 0 else f"raises {told(error)}"
    finite = all(bool(v.isfinite().all()) for v in session.values())
    return "" if finite else "is lost: not all weights are finite"


def _finding(subject: Subject, options: Mapping[str, Any], lost: str) -> CheckResult:
    body = f"""
optimizer, params = begin(start, **{dict(options)!r})
rate = optimizer.param_groups[0]['lr']
try:
    for t, g in enumerate(gradients):
        for group in optimizer.param_groups:
            group['lr'] = 0.0 if t < {AT_ZERO} else rate
        step(optimizer, params, g)
    finite = all(bool(p.isfinite().all()) for p in params)
    print('in numbers' if finite else 'is lost')
except Exception as error:
    print('raises', type(error).__name__)
"""
    said = " and ".join(f"{k}={v!r}" for k, v in options.items())
    shapes = subject.shapes(*SHAPES)
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"With {said} a run whose first lr is 0 {lost}; without, it does not.",
        scenario={"changed": dict(options), "lr": f"0 in the first {AT_ZERO} steps"},
        **evidence(subject, body, lost.split(":")[0], shapes=shapes, steps=STEPS, stream=(ID,)),
    )
