"""More parameters, and larger ones, than a small example has: all of them are stepped alike."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from lpfl.conformance.agreement import SCALARS, Gradients, Start
from lpfl.conformance.checks.api.missing import decayed
from lpfl.conformance.checks.joint.empty import PATHS
from lpfl.conformance.learning.cost import calls_per_step
from lpfl.conformance.oracles.methods import ELEMENTWISE
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.signatures import Undrivable
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import end_gap

MANY, PIECES = "api.many", "api.pieces"
COUNT, KINDS = 130, 4
"""Number of parameters; each of them is one of so many kinds, which repeat."""
STEPS = 2
CALLS = 2e5
"""Calls of functions that a run of many parameters may make."""
WIDE, ROWS, OTHER_ROWS = (65, 67), 5, 13
"""A weight of more than 4096 entries, and the rows of its pieces, in two ways of cutting it."""


@check(MANY, tags=("api",), cost=0.05, needs=("params",))
def many(subject: Subject) -> CheckResult:
    """Of 130 parameters, those of equal start and gradients move alike."""
    shape = next(iter(subject.shapes((3,), (4, 3))), None)
    if shape is None:
        raise Undrivable("it takes charge of no small parameter")
    if COUNT * STEPS * calls_per_step(subject) > CALLS:
        raise Undrivable(f"its steps are too dear for {COUNT} parameters")
    start, gradients = subject.draw([shape] * KINDS, STEPS, MANY)
    bound, farthest = max(SCALARS, tolerance(subject, MANY)), 0.0
    for options in ({}, *({path: True} for path in PATHS if subject.accepts(path))):
        try:
            apart = _apart(subject, start, gradients, options, COUNT)
            lost = [i for i, a in enumerate(apart) if not a <= bound]
            if lost and len(lost) < COUNT / 2 and _always(subject, start, gradients, options, lost):
                return _lost(subject, shape, options, lost, apart, bound)
        except Exception:
            if not options:
                raise
            continue
        farthest = max(farthest, *(a for a in apart if a <= bound))
    message = f"Of {COUNT} parameters, those of equal start are at most {farthest:.2g} apart."
    return CheckResult(check=MANY, outcome=Outcome.CONFORMS, message=message, measured=farthest)


def _always(
    subject: Subject,
    start: Start,
    gradients: Gradients,
    options: Mapping[str, Any],
    lost: Sequence[int],
) -> bool:
    """Return whether the same ones are lost with another seed, and none of a few."""
    bound = max(SCALARS, tolerance(subject, MANY))
    other = _apart(subject, start, gradients, options, COUNT, seed=subject.seed + 7)
    few = _apart(subject, start, gradients, options, 2 * KINDS)
    return max(few) <= bound and [i for i, a in enumerate(other) if not a <= bound] == list(lost)


def _apart(
    subject: Subject,
    start: Start,
    gradients: Gradients,
    options: Mapping[str, Any],
    count: int,
    seed: int | None = None,
) -> list[float]:
    """Return how far each of many parameters ends from the first of its kind, over its way."""
    repeated = lambda row: [row[i % KINDS] for i in range(count)]  # noqa: E731
    run = subject.run(
        repeated(start), [repeated(row) for row in gradients], options=options, seed=seed
    )
    ways = [float((run.end[k] - run.values[0][k]).norm()) or 1.0 for k in range(KINDS)]
    ends = enumerate(run.end)
    return [float((end - run.end[i % KINDS]).norm()) / ways[i % KINDS] for i, end in ends]


def _lost(
    subject: Subject,
    shape: tuple[int, ...],
    options: Mapping[str, Any],
    lost: Sequence[int],
    apart: Sequence[float],
    bound: float,
) -> CheckResult:
    said = "".join(f" with {k}={v}" for k, v in options.items())
    places = ", ".join(str(i + 1) for i in lost[:4]) + (", ..." if len(lost) > 4 else "")
    body = f"""
many = lambda row: [row[i % {KINDS}] for i in range({COUNT})]
ends = run(many(start), [many(g) for g in gradients], **{dict(options)!r})
apart = [gap([p], [ends[i % {KINDS}]], [start[i % {KINDS}]]) for i, p in enumerate(ends)]
print('parameters unlike the first of their kind:', sum(a > {bound} for a in apart))
"""
    drawn = [shape] * KINDS
    return CheckResult(
        check=MANY,
        outcome=Outcome.DEVIATES,
        message=f"Of {COUNT} parameters of shape {shape}{said}, number {places} end up to "
        f"{max(apart):.2g} of the way from others of the same start and gradients.",
        measured=max(apart),
        bound=bound,
        scenario={"parameters": COUNT, "shape": shape, "options": dict(options)},
        **evidence(subject, body, float(len(lost)), shapes=drawn, steps=STEPS, stream=(MANY,)),
    )


@check(PIECES, tags=("api",), cost=0.1, needs=("params",), claims=ELEMENTWISE)
def pieces(subject: Subject) -> CheckResult:
    """A weight of 4355 entries moves as its pieces do, where each entry is treated by itself.

    Only if most entries do and some do not: arithmetic that is coarser in large weights is no
    matter of single entries. What another way of cutting changes is none of the size either.
    """
    if not (subject.handles(WIDE) and subject.handles((ROWS, WIDE[1]))):
        message = "Not applicable: it does not take charge of matrices."
        return CheckResult(check=PIECES, outcome=Outcome.NOT_CLAIMED, message=message)
    start, gradients = subject.draw([WIDE], STEPS, PIECES)
    bound, farthest = max(SCALARS, tolerance(subject, PIECES)), 0.0
    paths = [{path: True} for path in PATHS if subject.accepts(path)]
    for options in (decayed(subject), *paths):
        try:
            whole = subject.run(start, gradients, options=options)
            parts, others = (
                torch.cat(
                    subject.run(
                        cut(start, rows), [cut(row, rows) for row in gradients], options=options
                    ).end
                )
                for rows in (ROWS, OTHER_ROWS)
            )
        except Exception:
            if options in paths:
                continue
            raise
        way = float((whole.end[0] - start[0]).square().mean().sqrt()) or 1.0
        apart = (whole.end[0] - parts).abs() / way
        few = int((apart > bound).sum())
        alike = float((others - parts).abs().max()) <= bound * way
        some = 0 < few < apart.numel() / 2
        if some and alike and not _by_chance(subject, start, gradients, options):
            return _unlike(subject, options, apart, bound)
        farthest = max(farthest, float(apart.max())) if few == 0 else farthest
    message = f"The entries of a weight of shape {WIDE} are at most {farthest:.2g} from its pieces."
    return CheckResult(check=PIECES, outcome=Outcome.CONFORMS, message=message, measured=farthest)


def _by_chance(
    subject: Subject, start: Start, gradients: Gradients, options: Mapping[str, Any]
) -> bool:
    """Return whether another seed gives another run."""
    seeds = (subject.seed, subject.seed + 7)
    one, two = (subject.run(start, gradients, options=options, seed=seed) for seed in seeds)
    return end_gap(one, two) > tolerance(subject, PIECES)


def cut(row: Sequence[torch.Tensor], rows: int) -> list[torch.Tensor]:
    """Return the pieces of a wide weight, some rows each."""
    return [piece.clone() for piece in row[0].split(rows)]


def _unlike(
    subject: Subject, options: Mapping[str, Any], apart: torch.Tensor, bound: float
) -> CheckResult:
    off = (apart.flatten() > bound).nonzero().flatten()
    said = "".join(f" with {k}={v}" for k, v in options.items())
    body = f"""
cut = lambda row: [x.clone() for x in row[0].split({ROWS})]
a = run(start, gradients, **{dict(options)!r})[0]
b = torch.cat(run(cut(start), [cut(g) for g in gradients], **{dict(options)!r}))
way = (a - start[0]).square().mean().sqrt()
print('entries unlike those of the pieces:', int(((a - b).abs() > {bound} * way).sum()))
"""
    return CheckResult(
        check=PIECES,
        outcome=Outcome.DEVIATES,
        message=f"Of a weight of shape {WIDE}{said}, {len(off)} of {apart.numel()} entries, from "
        f"the {int(off[0]) + 1}th on, end up to {float(apart.max()):.2g} of the way from those of "
        f"its pieces of {ROWS} rows; the others do not.",
        measured=float(apart.max()),
        bound=bound,
        scenario={"shape": WIDE, "pieces": (ROWS, WIDE[1]), "options": dict(options)},
        **evidence(subject, body, float(len(off)), shapes=[WIDE], steps=STEPS, stream=(PIECES,)),
    )
