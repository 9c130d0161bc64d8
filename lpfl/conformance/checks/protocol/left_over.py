"""Gradients that lie there when step(closure) is called: the closure's own ones count."""

import re
from functools import partial
from typing import Any

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.checks.protocol.uphill import valley
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.subject import Subject, Trajectory

ID = "api.closure"
SHAPES = ((6, 4), (5,))
STEPS = 4
FACTOR = 100.0
BEFORE = re.compile(
    r"\b(backward|gradients?|closure)\b[^.]{0,80}\bbefore\b|"
    r"\bbefore\b[^.]{0,80}\b(backward|gradients?|call\w*|step)\b|"
    r"\bclosure\(\)\s+optimizer|\bfirst[_ ]step|\btwo (backward|passes)|"
    r"backward\(\)\s*[;,]?\s*\w*\.?step|\balready (be )?there|\b(that|which) (lie|are) there|"
    r"\bexisting gradients",
    re.IGNORECASE,
)
"""Words by which gradients must be there when step(closure) is called."""


def left_over(subject: Subject) -> CheckResult | None:
    """Return the finding that gradients left from elsewhere act, where a closure makes its own.

    Trainers hand over one closure that clears the gradients and computes them.
    """
    if subject.needs & {"grad_first", "value_closure", "keeps_grad", "create_graph"}:
        return None
    pair = Pair(
        check=ID,
        says="by a closure that clears gradients, called beside gradients of other losses,",
        plain=partial(_run, subject, 0.0),
        other=partial(_run, subject, FACTOR),
        body=f"""
def ends(factor):
    optimizer, params = begin(start)
    for targets in gradients:
        def closure():
            optimizer.zero_grad()
            away = [p - t for p, t in zip(params, targets)]
            loss = sum((1 + d ** 2).sqrt().sum() for d in away)
            loss.backward()
            return loss

        for p, x in zip(params, gradients[0]):
            p.grad = factor * x.sin()
        optimizer.step(closure)
    return read(optimizer, params)


a, b = ends({FACTOR}), ends(0.0)
""",
        differs=Outcome.LIMIT,
        scenario={"gradients before step(closure)": "of another loss"},
    )
    result = agree(subject, pair, subject.shapes(*SHAPES), STEPS)
    if result.outcome not in FINDINGS - {Outcome.NUMERICS}:
        return None
    optimizer = subject.open(subject.draw(subject.shapes(*SHAPES), 0, ID)[0]).optimizer
    if BEFORE.search(documentation(subject, optimizer)):
        return None
    return result


def _run(subject: Subject, factor: float, start: Start, gradients: Gradients) -> Trajectory:
    session = subject.open(start)

    def move(row: Any) -> None:
        for p, x in zip(session.params, gradients[0], strict=True):
            p.grad = (factor * x.sin()).to(p)
        session.advance(valley(session.params, row))

    return session.follow(gradients, move)
