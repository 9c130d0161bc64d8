"""def.whitening: the law of methods whose trajectory is random, such as PSGD-Kron."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from lpfl.conformance.checks.api.rate import without_decay
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Subject

ID = "def.whitening"
STEPS, LONGER = 400, 800
SIDE = 4
LEFT = 3.0
SIZES = (1.0, 100.0)
ALIKE = 1.3
COLOURED = 0.4
"""Power of the gradients' condition number left in steps that are not being whitened."""
DIAGONAL = re.compile(r"\bdiag", re.IGNORECASE)
"""A word of preconditioners that whiten entries, and no gradients whose entries are correlated."""
SIDES = (4, 6)
FALLS = 0.1
"""Fall of that power, in a run twice as long, of a preconditioner that is still learning."""


@dataclass(frozen=True)
class Law:
    """Condition numbers of the gradients and, at worst, of the steps; ratio of the steps' sizes."""

    given: float
    left: float
    ratio: float

    @property
    def white(self) -> bool:
        """Whether the steps are white and of one size."""
        return self.left <= LEFT and self.ratio <= ALIKE

    @property
    def power(self) -> float:
        """The power of the gradients' condition number that is left in the steps."""
        return math.log(self.left) / math.log(self.given)


def condition(rows: list[torch.Tensor]) -> float:
    """Return the larger of the condition numbers of the two second moments of some matrices."""
    found = []
    for side in (lambda u: u @ u.T, lambda u: u.T @ u):
        values = torch.linalg.eigvalsh(sum(side(u) for u in rows))
        found.append(float(values[-1] / values[0].clamp(min=1e-300)))
    return max(found)


def law(subject: Subject, steps: int) -> Law:
    """Return the law of the later half of a run under steady gradients.

    Their rows and columns are sums: correlated, so that factors turned over do not whiten them.
    """
    start, drawn = subject.draw([(SIDE, SIDE)], steps, ID, steps)
    sums = torch.ones(SIDE, SIDE, dtype=torch.float64).tril()
    plain = [sums @ g @ sums.T for (g,) in drawn]
    sizes, conditions = [], []
    for size in SIZES:
        rows = [[size * g] for g in plain]
        moves = subject.run(start, rows, options=without_decay(subject)).moves()[steps // 2 :]
        sizes.append(sum(float(u.norm()) for u in moves) / len(moves))
        conditions.append(condition(moves))
    ratio = max(sizes) / max(min(sizes), 1e-300)
    return Law(condition(plain[steps // 2 :]), max(conditions), ratio)


@check(ID, tags=("def",), cost=1.0, claims={"psgd-kron"})
def whitening(subject: Subject) -> CheckResult:
    """Steps under steady gradients are white, and of a size that does not depend on theirs."""
    seen = law(subject, STEPS)
    message = (
        f"The condition number of steady gradients, {seen.given:.3g}, is {seen.left:.3g} in the "
        f"steps; gradients 100 times as large change their size by {seen.ratio:.3g}."
    )
    outcome, text, why = Outcome.CONFORMS, "", ""
    if not seen.white:
        outcome = Outcome.INCONCLUSIVE
        later = law(subject, LONGER)
        told = _is_diagonal(subject)
        if not told and later.power > COLOURED and later.power > (1 - FALLS) * min(seen.power, 1.0):
            outcome = Outcome.DEVIATES
            message += f" It is {later.left:.3g} in a run twice as long: nothing whitens them."
            text, why = proven(subject, _text(subject), later.left)
    return CheckResult(
        check=ID,
        outcome=outcome,
        message=message,
        measured=seen.left,
        bound=LEFT,
        scenario={"shape": (SIDE, SIDE), "steps": STEPS},
        snippet=text,
        details={
            "ratio of sizes": seen.ratio,
            "condition of the gradients": seen.given,
            **({"snippet": why} if why else {}),
        },
    )


def _is_diagonal(subject: Subject) -> bool:
    """Return whether a preconditioner is told to be diagonal, and keeps no matrix for each side.

    The word may be about vectors, or one side, or an option.
    """
    start, gradients = subject.draw([SIDES], 2, ID, "state")
    optimizer = subject.run(start, gradients).optimizer
    shapes = {tuple(t.shape[-2:]) for t in _tensors(dict(optimizer.state))}
    dense = all((side, side) in shapes for side in SIDES)
    return not dense and bool(DIAGONAL.search(documentation(subject, optimizer)))


def _tensors(held: Any) -> Iterator[torch.Tensor]:
    if isinstance(held, torch.Tensor):
        yield held
    elif isinstance(held, Mapping):
        yield from (t for value in held.values() for t in _tensors(value))
    elif isinstance(held, list | tuple):
        yield from (t for value in held for t in _tensors(value))


def _text(subject: Subject) -> str:
    body = f"""
sums = torch.ones({SIDE}, {SIDE}, dtype=torch.float64).tril()


def condition(rows):
    sides = sum(u @ u.T for u in rows), sum(u.T @ u for u in rows)
    values = [torch.linalg.eigvalsh(side) for side in sides]
    return max(float(v[-1] / v[0].clamp(min=1e-300)) for v in values)


def steps(size):
    torch.manual_seed({subject.seed})
    optimizer, params = begin(start, **{without_decay(subject)!r})
    moves = []
    for (g,) in gradients:
        before = params[0].detach().clone()
        step(optimizer, params, [size * (sums @ g @ sums.T)])
        moves.append(params[0].detach() - before)
    return moves[{LONGER // 2}:]


print('condition number of the steps', max(condition(steps(size)) for size in {SIZES}))
"""
    stream = (ID, LONGER)
    return program(subject, body, shapes=[(SIDE, SIDE)], steps=LONGER, stream=stream)
