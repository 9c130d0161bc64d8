"""Cautious steps: entries whose step would go against descent along the gradient stay.

Cautious weight decay beside them: entries that the step drives away from zero do not decay.

Source: Liang et al. 2024, Cautious optimizers, algorithm 1.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from lpfl.conformance.agreement import Gradients
from lpfl.conformance.checks.wrapped.masked_decay import masked_decay
from lpfl.conformance.checks.wrapped.options import Wrapping, named, wrapping
from lpfl.conformance.definition.seen.meanings import is_another
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory

ID = "api.cautious"
SHAPES = ((6, 4), (5,))
STEPS = 8
NAMES = re.compile(r"^(use_)?(caution|cautious|cautious_(mask|update|updates|step|steps|masking))$")
FACTOR = re.compile(r"^cautious_factor$")
"""What is left of entries that go up: 1 is no mask, 0 the whole."""
STILL = 1e-12
MOST, LEAST = 0.9, 0.1
"""Shares of the entries that move along the gradient which are most of them, and few."""


@check(ID, tags=("api",), cost=0.05, needs=("inject", "params"))
def cautious(subject: Subject) -> Iterable[CheckResult]:
    """Entries move under a cautious mask that go down along the gradient, or decay towards zero."""
    yield from masked_decay(subject, ID)
    held = ""
    for name, on_value, off_value in _values(subject):
        option = wrapping(subject, name, {name: on_value}, {name: off_value})
        start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, ID)
        try:
            on, off = option.acting(start, gradients), option.without(start, gradients)
        except Exception:  # the option is refused
            continue
        down, usual = (_down(run, gradients) for run in (on, off))
        if down is None or usual is None:
            continue
        if down <= LEAST and usual > 0.5:
            said = f"{1 - down:.2g} of the entries that move go up along the present gradient"
            yield _finding(option, said, f"{down:.2g}")
            return
        held = held or (f"{down:.2g}" if down >= MOST else "")
    if held:
        message = f"Of the entries that move, {held} go down along the present gradient."
        yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)


def _values(subject: Subject) -> Iterator[tuple[str, Any, Any]]:
    """Yield each option that masks, with its values on and off."""
    for name in named(subject, NAMES, switch=True):
        if not is_another(subject, "cautious", name):
            yield name, True, False
    for name in named(subject, FACTOR):
        yield name, 0.0, 1.0


def _down(run: Trajectory, gradients: Gradients) -> float | None:
    """Return the share, of entries that move, which go down; None where none moves."""
    counts = [_counts(run, gradients, t) for t in range(run.steps)]
    moved = sum(m for m, _ in counts)
    return sum(d for _, d in counts) / moved if moved else None


def _counts(run: Trajectory, gradients: Gradients, t: int) -> tuple[int, int]:
    """Return how many entries move in a step, and how many of them down along the gradient."""
    moved = down = 0
    for i, g in enumerate(gradients[t]):
        move = run.moves(i)[t]
        moves = move.abs() > STILL * max(1.0, float(run.values[0][i].abs().max()))
        moved += int(moves.sum())
        down += int((moves & (move * g < 0)).sum())
    return moved, down


def _finding(option: Wrapping, said: str, shown: str) -> CheckResult:
    body = f"""
moved = down = 0
optimizer, params = begin(start, **{option.on!r})
for row in gradients:
    old = [p.detach().clone() for p in params]
    step(optimizer, params, row)
    for p, q, g in zip(params, old, row):
        move = p.detach() - q
        moves = move.abs() > {STILL} * max(1.0, float(q.abs().max()))
        moved += int(moves.sum())
        down += int((moves & (move * g < 0)).sum())
print('share of moves that go down:', f'{{down / moved:.2g}}' if moved else 'none')
"""
    shapes = option.subject.shapes(*SHAPES)
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"With {option.shown} {said}: the mask keeps the wrong half.",
        scenario={"changed": dict(option.on), "steps": STEPS},
        **evidence(
            option.subject, body, f"down: {shown}", shapes=shapes, steps=STEPS, stream=(ID,)
        ),
    )
