"""Weights of more entries than a small example has: all of them are stepped alike."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from lpfl.conformance.agreement import SCALARS, Gradients, Start
from lpfl.conformance.checks.api.missing import decayed
from lpfl.conformance.checks.joint.empty import PATHS
from lpfl.conformance.oracles.methods import ELEMENTWISE
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import end_gap

PIECES = "api.pieces"
STEPS = 2
WIDTH = 67
SIZES = ((65, 5, 13), (1040, 80, 208))
"""Rows of a weight, of more than 4096 and of more than 65536 entries, and rows of its pieces.

They are cut in two ways.
"""


@check(PIECES, tags=("api",), cost=0.15, needs=("params",), claims=ELEMENTWISE)
def pieces(subject: Subject) -> CheckResult:
    """A weight of 69680 entries moves as its pieces do, where each entry is treated by itself.

    Only if most entries do and some do not: arithmetic that is coarser in large weights is no
    matter of single entries. What another way of cutting changes is none of the size either.
    """
    if not (subject.handles((SIZES[0][0], WIDTH)) and subject.handles((SIZES[0][1], WIDTH))):
        message = "Not applicable: it does not take charge of matrices."
        return CheckResult(check=PIECES, outcome=Outcome.NOT_CLAIMED, message=message)
    farthest = 0.0
    paths = [{path: True} for path in PATHS if subject.accepts(path)]
    for sizes in SIZES:
        for options in (decayed(subject), *paths):
            try:
                found = _compared(subject, sizes, options)
            except Exception:
                if options in paths:
                    continue
                raise
            if isinstance(found, CheckResult):
                return found
            farthest = max(farthest, found)
    message = f"The entries of {len(SIZES)} weights are at most {farthest:.2g} from their pieces."
    return CheckResult(check=PIECES, outcome=Outcome.CONFORMS, message=message, measured=farthest)


def _compared(
    subject: Subject, sizes: tuple[int, int, int], options: Mapping[str, Any]
) -> CheckResult | float:
    """Return a finding about a weight of some rows, or how far it is from its pieces."""
    start, gradients = subject.draw([(sizes[0], WIDTH)], STEPS, PIECES)
    bound = max(SCALARS, tolerance(subject, PIECES))
    whole = subject.run(start, gradients, options=options)
    parts = _joined(subject, start, gradients, options, sizes[1])
    way = float((whole.end[0] - start[0]).square().mean().sqrt()) or 1.0
    apart = (whole.end[0] - parts).abs() / way
    few = int((apart > bound).sum())
    if not 0 < few < apart.numel() / 2:
        return float(apart.max()) if few == 0 else 0.0
    others = _joined(subject, start, gradients, options, sizes[2])
    alike = float((others - parts).abs().max()) <= bound * way
    if alike and not _by_chance(subject, start, gradients, options):
        return _unlike(subject, sizes, options, apart, bound)
    return 0.0


def _joined(
    subject: Subject, start: Start, gradients: Gradients, options: Mapping[str, Any], rows: int
) -> torch.Tensor:
    """Return the end of a run on the pieces, put together."""
    given = [cut(row, rows) for row in gradients]
    return torch.cat(subject.run(cut(start, rows), given, options=options).end)


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
    subject: Subject,
    sizes: tuple[int, int, int],
    options: Mapping[str, Any],
    apart: torch.Tensor,
    bound: float,
) -> CheckResult:
    off = (apart.flatten() > bound).nonzero().flatten()
    wide, rows = (sizes[0], WIDTH), sizes[1]
    said = "".join(f" with {k}={v}" for k, v in options.items())
    body = f"""
cut = lambda row: [x.clone() for x in row[0].split({rows})]
a = run(start, gradients, **{dict(options)!r})[0]
b = torch.cat(run(cut(start), [cut(g) for g in gradients], **{dict(options)!r}))
way = (a - start[0]).square().mean().sqrt()
print('entries unlike those of the pieces:', int(((a - b).abs() > {bound} * way).sum()))
"""
    return CheckResult(
        check=PIECES,
        outcome=Outcome.DEVIATES,
        message=f"Of a weight of shape {wide}{said}, {len(off)} of {apart.numel()} entries, from "
        f"the {int(off[0]) + 1}th on, end up to {float(apart.max()):.2g} of the way from those of "
        f"its pieces of {rows} rows; the others do not.",
        measured=float(apart.max()),
        bound=bound,
        scenario={"shape": wide, "pieces": (rows, WIDTH), "options": dict(options)},
        **evidence(subject, body, float(len(off)), shapes=[wide], steps=STEPS, stream=(PIECES,)),
    )
