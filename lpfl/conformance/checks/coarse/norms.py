"""Sums over a weight in float16: a large one, and one of small entries, each beside another."""

import math
from collections.abc import Mapping
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.low_precision import CHANGED, FACTOR, with_rate
from lpfl.conformance.learning.other_draws import other_draws
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.float16-norms"
STEPS = 2
SMALL = (32, 32)
CASES = ((((300, 300), 1.0), ((250, 250), 1.0)), ((SMALL, 1e-4), (SMALL, 1e-3)))
"""Shapes and sizes of entries, each beside one whose squares float16 holds.

The squares add up to 90000 beside 62500, or are 1e-8 beside 1e-6.
"""
LARGEST_STATE = 16
"""Numbers kept for each of a weight; more of them may be the square of it for a larger one."""
Case = tuple[tuple[int, int], float]


@check(ID, tags=("api",), cost=0.1, needs=("inject",))
def norms(subject: Subject) -> CheckResult:
    """Squares that add up to more, or to less, than float16 holds move its weights as float32 does.

    Gradients and weights are of signs, so that no single entry is another one where there are more.
    """
    if not subject.handles(SMALL):
        message = "Not applicable: it takes no such weight."
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    compared = 0
    try:
        if _kept(subject) > LARGEST_STATE:
            message = f"Not compared: it keeps more than {LARGEST_STATE} numbers for each."
            return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)
        for case, beside in CASES:
            ratio = _ratio(subject, case)
            compared += ratio is not None
            if ratio is None or 1 / FACTOR < ratio < FACTOR or _by_chance(subject, case):
                continue
            usual = _ratio(subject, beside)
            if usual is not None and 1 / FACTOR < usual < FACTOR:
                return _finding(subject, case, ratio, f"{_said(beside)} is {usual:.2g}")
    except Exception as error:
        message = f"Not compared: a run in float16 raises {told(error)}."
        return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)
    message = f"The number of weights whose squares float16 loses is 0, of {compared} compared."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)


def _drawn(subject: Subject, case: Case) -> tuple[Start, Gradients]:
    shape, unit = case
    start, gradients = subject.draw([shape], STEPS, ID)
    signs = lambda v: v.sign().half()  # noqa: E731
    return [unit * signs(v) for v in start], [[signs(g) for g in row] for row in gradients]


def _kept(subject: Subject) -> float:
    """Return how many numbers of state there are for each of a small weight."""
    start, gradients = _drawn(subject, (SMALL, 1.0))
    session = subject.open(start, options=with_rate(subject, {}))
    session.step(gradients[0])
    return _numbers(session.optimizer.state) / start[0].numel()


def _numbers(held: Any) -> int:
    if isinstance(held, torch.Tensor):
        return held.numel()
    inside = held.values() if isinstance(held, Mapping) else held
    return sum(map(_numbers, inside)) if isinstance(held, Mapping | list | tuple) else 0


def _single(start: Start, gradients: Gradients) -> tuple[Start, Gradients]:
    return [v.float() for v in start], [[g.float() for g in row] for row in gradients]


def _ratio(subject: Subject, case: Case) -> float | None:
    """Return the way in float16 over that in float32; None where rounding may bury the steps."""
    start, gradients = _drawn(subject, case)
    used = with_rate(subject, {})
    single = subject.run(*_single(start, gradients), options=used)
    way = single.displacement()
    size = max(float(v.norm()) for row in single.values for v in row)
    spacing = 0.5 * torch.finfo(torch.float16).eps * size * math.sqrt(STEPS)
    if not single.finite or not way > 0 or spacing > CHANGED * way:
        return None
    return subject.run(start, gradients, options=used).displacement() / way


def _by_chance(subject: Subject, case: Case) -> bool:
    """Return whether other draws of the optimizer's own change the way in float32 noticeably."""
    given, used = _single(*_drawn(subject, case)), with_rate(subject, {})
    plain = subject.run(*given, options=used).displacement()
    with other_draws(subject.seed + 1):
        other = subject.run(*given, options=used, seed=subject.seed + 1).displacement()
    return abs(other / plain - 1) > CHANGED


def _said(case: Case) -> str:
    (rows, columns), unit = case
    return f"that of a {rows} x {columns} weight with entries of size {unit:g}"


def _finding(subject: Subject, case: Case, ratio: float, beside: str) -> CheckResult:
    shape, unit = case
    used = with_rate(subject, {})
    body = f"""
start = [{unit} * v.sign().half() for v in start]
gradients = [[g.sign().half() for g in row] for row in gradients]
length = lambda a, b: sum((x.double() - y.double()).square().sum() for x, y in zip(a, b)) ** 0.5
single = [v.float() for v in start]
a = length(run(start, gradients, **{used!r}), start)
b = length(run(single, [[x.float() for x in g] for g in gradients], **{used!r}), single)
print('way in float16 over that in float32', float(a / b))
"""
    finite = math.isfinite(ratio)
    proof = ratio if finite else str(ratio)
    squares = unit * unit * math.prod(shape)
    return CheckResult(
        check=ID,
        outcome=Outcome.NUMERICS,
        message=f"Of ways in float16 over those in float32, {_said(case)} is {ratio:.2g}, "
        f"{beside}. "
        f"Its squares are {unit * unit:.2g}, {squares:.2g} together; float16 holds 6e-08 to 65504.",
        measured=ratio if finite else None,
        bound=FACTOR,
        scenario={"shape": shape, "size of entries": unit, "steps": STEPS, "options": used},
        **evidence(subject, body, proof, shapes=[shape], steps=STEPS, stream=(ID,)),
    )
