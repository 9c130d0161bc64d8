"""Entries of weights that stand still as soon as an option has another value."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from lpfl.conformance.checks.promised.named_values import other_values, said_of
from lpfl.conformance.checks.promised.told_of import undecayed
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.left-behind"
SHAPES = ((7, 5), (5, 7), (11,))
"""Sides of which 2 and 3 divide none."""
STEPS = 4
DRAWS = ("", "another draw", "a third draw", "a fourth draw")
TOLD = re.compile(
    r"mask|spars|freez|frozen|top.?k|prun|leav|left (out|alone|as)|skip|drop|ignor|random|select|"
    r"subset|subspace|coordinate|quantil|stochastic|cautious|clos(e|er) to zero|prox|thresh|shrink",
    re.IGNORECASE,
)
"""Words by which an option is told to step some entries, or to choose them."""


@check(ID, tags=("api",), cost=0.1, needs=("params",))
def left_behind(subject: Subject) -> Iterator[CheckResult]:
    """With another value of an option no entry stands still that moves by default."""
    shapes, usual, others = subject.shapes(*SHAPES), undecayed(subject), other_values(subject)
    asked = 0
    if not others or any(_still(subject, shapes, usual, DRAWS[0])):
        return
    for changed in others:
        options = {**usual, **changed}
        try:
            lost = _lost(subject, shapes, options)
        except Exception:
            continue
        asked += 1
        if lost and not TOLD.search(_words(subject, changed)):
            yield _finding(subject, shapes, options, lost)
            return
    if asked:
        message = f"Every entry moves with each of {asked} other values of options."
        yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)


def _words(subject: Subject, options: Mapping[str, Any]) -> str:
    return " ".join(f"{name} {value} {said_of(subject, name)}" for name, value in options.items())


def _still(
    subject: Subject, shapes: list[tuple[int, ...]], options: Mapping[str, Any], draw: str
) -> list[bool]:
    """Return for each entry of all weights whether it stands still in all steps."""
    start, gradients = subject.draw(shapes, STEPS, ID, draw)
    run = subject.run(start, gradients, options=options, seed=subject.seed + DRAWS.index(draw))
    flat = [torch.cat([v.flatten() for v in values]) for values in run.values]
    moved = torch.stack([values != flat[0] for values in flat]).any(0)
    return [not m for m in moved.tolist()]


def _lost(
    subject: Subject, shapes: list[tuple[int, ...]], options: Mapping[str, Any]
) -> list[tuple[int, int, int]]:
    """Return (weight, entries that stand still, first of them) for weights of which some move.

    Empty unless the same ones stand still whatever the start, the gradients and the seed are.
    """
    still = _still(subject, shapes, options, DRAWS[0])
    if not any(still):
        return []
    if any(_still(subject, shapes, options, draw) != still for draw in DRAWS[1:]):
        return []
    found, at = [], 0
    for i, shape in enumerate(shapes):
        size = torch.Size(shape).numel()
        part = still[at : at + size]
        at += size
        if 0 < sum(part) < size:
            found.append((i, sum(part), part.index(True)))
    return found


def _finding(
    subject: Subject,
    shapes: list[tuple[int, ...]],
    options: Mapping[str, Any],
    lost: list[tuple[int, int, int]],
) -> CheckResult:
    place, count, first = lost[0]
    shape = shapes[place]
    said = ", ".join(f"{name}={value!r}" for name, value in options.items())
    body = f"""
runs = [run(start, gradients[:t], **{dict(options)!r}) for t in range(1, {STEPS + 1})]
still = torch.stack([ends[{place}] == start[{place}] for ends in runs]).all(0)
print('entries that stand still:', int(still.sum()))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"With {said}, {count} entries of a weight of shape {shape}, from the "
        f"{first + 1}th on, stand still in {STEPS} steps, whatever its gradients are; by default "
        "all of them move.",
        measured=float(count),
        bound=0.0,
        scenario={"options": dict(options), "shape": shape, "steps": STEPS},
        **evidence(subject, body, float(count), shapes=shapes, steps=STEPS, stream=(ID, "")),
    )
