"""Sums over a weight in float16: a large one, and one of small entries, each beside another."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.low_precision import CHANGED, FACTOR, with_rate
from lpfl.conformance.checks.switches import switches
from lpfl.conformance.learning.other_draws import other_draws
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.float16-norms"
STEPS = 2
SMALL = (32, 32)
CASES = (
    (((300, 300), 1.0, 1.0), ((250, 250), 1.0, 1.0)),
    ((SMALL, 1e-4, 1.0), (SMALL, 1e-3, 1.0)),
)
"""Shapes and sizes of entries of weights and gradients, each beside one float16 has squares of.

The squares add up to 90000 beside 62500, or are 1e-8 beside 1e-6.
"""
LONG = (((300, 300), 1.0, 100.0), ((250, 250), 1.0, 1.0))
"""The same with long gradients, of which an average's share has squares above 65504 too."""
LARGEST_STATE = 16
"""Numbers kept for each of a weight; more of them may be the square of it for a larger one."""
Case = tuple[tuple[int, int], float, float]
WAYS: Mapping[str, tuple[torch.dtype, torch.dtype, Sequence[tuple[Case, Case]]]] = {
    "float16": (torch.float16, torch.float32, CASES),
    "float32": (torch.float32, torch.float64, (LONG,)),
}
"""Formats of weights, each beside a finer one, and what is asked in it.

What sums in float16 inside is found with weights in float32 too.
"""


@check(ID, tags=("api",), cost=0.1, needs=("inject",))
def norms(subject: Subject) -> CheckResult:
    """Squares that add up to more, or to less, than float16 holds move weights as they should.

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
        for asked in _asked(subject):
            ratio = asked.ratio()
            compared += ratio is not None
            if ratio is None or 1 / FACTOR < ratio < FACTOR or asked.by_chance():
                continue
            usual = replace(asked, case=asked.beside).ratio()
            if usual is not None and 1 / FACTOR < usual < FACTOR:
                return _finding(asked, ratio, f"{_said(asked.beside)} is {usual:.2g}")
    except Exception as error:
        message = f"Not compared: a run in float16 raises {told(error)}."
        return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)
    message = f"The number of weights whose squares float16 loses is 0, of {compared} compared."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)


@dataclass(frozen=True)
class _Asked:
    """A weight in one format, beside the same in a finer one, with options."""

    subject: Subject
    case: Case
    beside: Case
    format: str
    options: Mapping[str, Any]

    def ratio(self) -> float | None:
        """Return the way over that in the finer format; None where rounding may bury the steps."""
        coarse, fine, _ = WAYS[self.format]
        start, gradients = _drawn(self.subject, self.case)
        finer = self.subject.run(*_in(fine, start, gradients), options=self.options)
        way = finer.displacement()
        size = max(float(v.norm()) for row in finer.values for v in row)
        spacing = 0.5 * torch.finfo(coarse).eps * size * math.sqrt(STEPS)
        if not finer.finite or not way > 0 or spacing > CHANGED * way:
            return None
        run = self.subject.run(*_in(coarse, start, gradients), options=self.options)
        return run.displacement() / way

    def by_chance(self) -> bool:
        """Return whether other draws of the optimizer's own change the finer way noticeably."""
        subject = self.subject
        given = _in(WAYS[self.format][1], *_drawn(subject, self.case))
        plain = subject.run(*given, options=self.options).displacement()
        with other_draws(subject.seed + 1):
            other = subject.run(*given, options=self.options, seed=subject.seed + 1).displacement()
        return abs(other / plain - 1) > CHANGED


def _asked(subject: Subject) -> Iterator[_Asked]:
    """Yield every question: in each format by default, and with switches turned over in float16."""
    usual = with_rate(subject, {})
    for name, (_, _, cases) in WAYS.items():
        for case, beside in cases:
            yield _Asked(subject, case, beside, name, usual)
    for switch, value in switches(subject).items():
        for case, beside in CASES[:1]:
            yield _Asked(subject, case, beside, "float16", {**usual, switch: value})


def _drawn(subject: Subject, case: Case) -> tuple[Start, Gradients]:
    shape, unit, size = case
    start, gradients = subject.draw([shape], STEPS, ID)
    signs = lambda v: v.sign().half()  # noqa: E731
    return [unit * signs(v) for v in start], [[size * signs(g) for g in row] for row in gradients]


def _kept(subject: Subject) -> float:
    """Return how many numbers of state there are for each of a small weight."""
    start, gradients = _drawn(subject, (SMALL, 1.0, 1.0))
    session = subject.open(start, options=with_rate(subject, {}))
    session.step(gradients[0])
    return _numbers(session.optimizer.state) / start[0].numel()


def _numbers(held: Any) -> int:
    if isinstance(held, torch.Tensor):
        return held.numel()
    inside = held.values() if isinstance(held, Mapping) else held
    return sum(map(_numbers, inside)) if isinstance(held, Mapping | list | tuple) else 0


def _in(dtype: torch.dtype, start: Start, gradients: Gradients) -> tuple[Start, Gradients]:
    return [v.to(dtype) for v in start], [[g.to(dtype) for g in row] for row in gradients]


def _said(case: Case) -> str:
    (rows, columns), unit, size = case
    of_gradients = f", gradients of {size:g}," if size != 1 else ""
    return f"that of a {rows} x {columns} weight with entries of size {unit:g}{of_gradients}"


def _finding(asked: _Asked, ratio: float, beside: str) -> CheckResult:
    shape, unit, size = asked.case
    used = dict(asked.options)
    coarse, fine, _ = WAYS[asked.format]
    body = f"""
start = [{unit} * v.sign().half() for v in start]
gradients = [[{size} * g.sign().half() for g in row] for row in gradients]
length = lambda a, b: sum((x.double() - y.double()).square().sum() for x, y in zip(a, b)) ** 0.5


def way(dtype):
    values = [v.to(dtype) for v in start]
    return length(run(values, [[x.to(dtype) for x in g] for g in gradients], **{used!r}), values)


print('way in {asked.format} over that in a finer format', float(way({coarse}) / way({fine})))
"""
    finite = math.isfinite(ratio)
    proof = ratio if finite else str(ratio)
    large = max(unit, size if size != 1 else 0.0)
    squares = large * large * math.prod(shape)
    finer = str(fine).removeprefix("torch.")
    said = "".join(f" with {k}={v}" for k, v in used.items() if k != "lr")
    return CheckResult(
        check=ID,
        outcome=Outcome.NUMERICS,
        message=f"Of ways in {asked.format} over those in {finer}{said}, {_said(asked.case)} is "
        f"{ratio:.2g}, {beside}. "
        f"Its squares are {large * large:.2g}, {squares:.2g} together; "
        "float16 holds 6e-08 to 65504.",
        measured=ratio if finite else None,
        bound=FACTOR,
        scenario={"shape": shape, "size of entries": unit, "steps": STEPS, "options": used},
        **evidence(asked.subject, body, proof, shapes=[shape], steps=STEPS, stream=(ID,)),
    )
