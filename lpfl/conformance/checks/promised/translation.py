"""Weights that start elsewhere, under switches that average weights."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.checks.promised.told_of import told_of, undecayed
from lpfl.conformance.checks.switches import switches
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory

ID = "api.translation"
SHAPES = ((6, 4), (5,))
STEPS = 14
AWAY = 2.0
AVERAGES = re.compile(r"(^|_)(ema|swa|avg|averag\w*|polyak|lookahead|slow)(_|$)")
"""Names of switches that keep an average."""
WEIGHTS = re.compile(r"weight|param|iterate|lookahead|slow|polyak|swa\b", re.IGNORECASE)
OTHERWISE = re.compile(
    r"norm|ratio|trust|relative|decay|clip|\bof (the )?(grad|moment|square|update)", re.IGNORECASE
)
"""Words by which it is no average of weights, or not of weights alone."""


@check(ID, tags=("api",), cost=0.1, needs=("params",))
def translation(subject: Subject) -> Iterable[CheckResult]:
    """An average of weights goes along with weights that start elsewhere."""
    still = undecayed(subject)
    names = [n for n, value in switches(subject).items() if value and _averages(subject, n)]
    if not names:
        return
    shapes = subject.shapes(*SHAPES)
    plain = agree(subject, _moved(subject, still, body=False), shapes, STEPS)
    if plain.outcome is not Outcome.CONFORMS:
        message = "Not judged: the way depends on where weights start without any switch."
        yield CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)
        return
    for name in names:
        answer = agree(subject, _moved(subject, {**still, name: True}), shapes, STEPS)
        if answer.outcome in FINDINGS:
            yield answer
            return
    message = f"The way is the same from weights that start elsewhere, with {' or '.join(names)}."
    yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)


def _averages(subject: Subject, name: str) -> bool:
    """Return whether a switch is told to average weights."""
    said = told_of(subject, name)
    alone = AVERAGES.search(name) and not OTHERWISE.search(f"{name} {said}")
    return bool(alone) and bool(WEIGHTS.search(f"{name} {said}"))


def _moved(subject: Subject, options: Mapping[str, Any], *, body: bool = True) -> Pair:
    def elsewhere(start: Start, gradients: Gradients) -> Trajectory:
        run = subject.run([v + AWAY for v in start], gradients, options=options)
        return Trajectory([[v - AWAY for v in row] for row in run.values], run.optimizer)

    said = " and ".join(f"{k}={v}" for k, v in options.items())
    return Pair(
        check=ID,
        says=f"from weights {AWAY:g} larger, with {said}",
        plain=lambda s, g: subject.run(s, g, options=options),
        other=elsewhere,
        body=f"""
a = [v - {AWAY} for v in run([v + {AWAY} for v in start], gradients, **{dict(options)!r})]
b = run(start, gradients, **{dict(options)!r})
"""
        if body
        else "",
        options=options,
        scenario={"options": dict(options)},
    )
