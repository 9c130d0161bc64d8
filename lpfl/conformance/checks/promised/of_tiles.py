"""Switches told of a root mean square: what they do is alike in a weight and in tiles of it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.checks.promised.named_values import said_of
from lpfl.conformance.checks.switches import works
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject, Trajectory

ID = "def.tiles"
SHAPES = ((4, 4), (5,))
STEPS = 5
GROWTH = 3.0
"""Factor of the gradients from one step to the next: updates are then larger than usual."""
LOOSE = 1e-3
TOLD = re.compile(r"\bRMS\b|root.mean.squared?|Stable.?Adam", re.IGNORECASE)
NAMED = re.compile(r"^(use_)?stable(_?adam(_?w)?)?$|rms_?clip|clip_?rms|(^|_)update_rms")
THRESHOLD = 1.0


@check(ID, tags=("def",), cost=0.05, needs=("inject",))
def tiles(subject: Subject) -> Iterator[CheckResult]:
    """An option told of a root mean square does in tiles of a weight what it does in the weight."""
    shapes, asked, farthest = subject.shapes(*SHAPES), 0, 0.0
    for on, off in _told(subject):
        plain = replace(_pair(subject, off), body="")
        if agree(subject, plain, shapes, STEPS).outcome is not Outcome.CONFORMS:
            continue
        result = agree(subject, _pair(subject, on), shapes, STEPS)
        if result.outcome in FINDINGS:
            yield result
            return
        asked += result.outcome is Outcome.CONFORMS
        farthest = max(farthest, result.measured or 0.0)
    if asked:
        message = f"With each of {asked} options tiles are at most {farthest:.2g} from the weight."
        yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=farthest)


def _told(subject: Subject) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield options with one of them in use, and the same without."""
    for name in sorted(subject.constructor_names):
        held = subject.default(name)
        if not (held is None or isinstance(held, bool) or held == 0):
            continue
        if not (NAMED.search(name) or TOLD.search(said_of(subject, name))):
            continue
        on = {name: True if isinstance(held, bool) else THRESHOLD}
        off = {name: False} if held is True else {}
        if works(subject, on) and works(subject, off):
            yield on, off


def _pair(subject: Subject, options: Mapping[str, Any]) -> Pair:
    said = ", ".join(f"{k}={v}" for k, v in options.items())
    return Pair(
        check=ID,
        says=f"on tiles of the weights, with {said},",
        plain=partial(_run, subject, options, 1),
        other=partial(_run, subject, options, 2),
        body=f"""
tiled = lambda row: [x.repeat(*[2] * x.ndim) for x in row]
grown = [[{GROWTH}**t * x for x in g] for t, g in enumerate(gradients)]
b = run(start, grown, **{dict(options)!r})
ends = run(tiled(start), [tiled(g) for g in grown], **{dict(options)!r})
a = [x[tuple(slice(n) for n in y.shape)] for x, y in zip(ends, b)]
""",
        options=options,
        scenario={"options": dict(options)},
        tolerance=LOOSE,
    )


def _run(
    subject: Subject, options: Mapping[str, Any], times: int, start: Start, gradients: Gradients
) -> Trajectory:
    """Return the run of the first tile, of so many along each side."""
    tiled = lambda row: [x.repeat(*[times] * x.ndim) for x in row]  # noqa: E731
    rows = [[GROWTH**t * g for g in tiled(row)] for t, row in enumerate(gradients)]
    run = subject.run(tiled(start), rows, options=options)
    cut = lambda row: [x[tuple(map(slice, v.shape))] for x, v in zip(row, start, strict=True)]  # noqa: E731
    return Trajectory([cut(values) for values in run.values], run.optimizer)
