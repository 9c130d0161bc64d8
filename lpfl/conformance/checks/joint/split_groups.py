"""The same parameters in two groups of equal options: quantities of all of them stay of all."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from lpfl.conformance.agreement import SCALARS, Gradients, Pair, Start, agree
from lpfl.conformance.checks.api.coupling import coupled
from lpfl.conformance.checks.api.paths import UNEVEN_TEXT, uneven
from lpfl.conformance.checks.promised.clip_options import clips
from lpfl.conformance.checks.switches import turned_over
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.drives.driven import Groups
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.subject import Subject, Trajectory
from lpfl.conformance.trajectory import gap

ID = "api.split-groups"
SHAPES = ((6, 4), (5,), (3, 4))
STEPS = 8
REPEATED = 40
"""Steps with gradients that agree: estimates of a rate for all parameters grow in them."""
PROMISED = re.compile(
    r"\b(one|single|common|shared|joint\w*|together|norm\w*|global\w*)\b[^.]{0,60}"
    r"\b(all|every|across|over)\b[^.]{0,30}\bgroups\b",
    re.IGNORECASE,
)
"""Words by which a quantity is told to belong to all groups together."""


@check(ID, tags=("api",), cost=0.1, needs=("params",))
def split_groups(subject: Subject) -> Iterable[CheckResult]:
    """The same parameters in two groups of equal options move as in one group.

    Where each group moves as it would alone, a quantity of all parameters is one of each group:
    authors of methods with an estimate for all do so too, and a promise alone makes it a limit.
    """
    shapes, agreed, farthest, other = subject.shapes(*SHAPES), 0, 0.0, None
    if len(shapes) < 2:
        shapes = [*shapes, *shapes][:2]
    for pair in _pairs(subject):
        result = agree(subject, pair, shapes, STEPS)
        if result.outcome in FINDINGS - {Outcome.NUMERICS}:  # sums are formed in another order
            yield _excused(subject, result, pair)
            return
        if result.outcome in (Outcome.CONFORMS, Outcome.NUMERICS):
            agreed, farthest = agreed + 1, max(farthest, result.measured or 0.0)
        else:
            other = other or result
    message = f"Runs with two groups of equal options are at most {farthest:.2g} from one group's."
    held = CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=farthest)
    yield held if agreed or other is None else other


def _excused(subject: Subject, result: CheckResult, pair: Pair) -> CheckResult:
    """Return the answer, as a convention where each group is by itself and none is promised."""
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, ID)
    words = documentation(subject, subject.open(start).optimizer)
    if result.outcome is not Outcome.LIMIT or PROMISED.search(words) or len(start) < 2:
        return result
    longer = _pair(subject, pair.options, REPEATED)
    if not all(_independent(subject, each, start, gradients) for each in (pair, longer)):
        return result
    return replace(
        result,
        outcome=Outcome.CONVENTION,
        message=f"{result.message[:-1]}: each group moves as it would alone.",
        convention={"quantities of all parameters": "of each group"},
        snippet="",
    )


def _independent(subject: Subject, pair: Pair, start: Start, gradients: Gradients) -> bool:
    """Return whether each of the two groups moves as it would alone."""
    first, rest = (
        pair.plain(start[some], [row[some] for row in gradients])
        for some in (slice(0, 1), slice(1, None))
    )
    joined = Trajectory([a + b for a, b in zip(first.values, rest.values, strict=True)])
    return gap(pair.other(start, gradients), joined) <= max(SCALARS, tolerance(subject, ID))


def _pairs(subject: Subject) -> Iterator[Pair]:
    yield _pair(subject, {}, 1)
    if coupled(subject):
        yield _pair(subject, {}, REPEATED)
    for options in (*clips(subject), *turned_over(subject)):
        yield _pair(subject, options, 1)


def _pair(subject: Subject, options: Mapping[str, Any], repeated: int) -> Pair:
    said = "".join(f", with {k}={v}" for k, v in options.items())
    rows = f"gradients = [gradients[0]] * {repeated}\n" if repeated > 1 else ""
    return Pair(
        check=ID,
        says=f"with the first parameter in one group and the others in another{said},",
        plain=partial(_run, subject, options, repeated, False),
        other=partial(_run, subject, options, repeated, True),
        body=f"""
{UNEVEN_TEXT}{rows}
params = [torch.nn.Parameter(v.clone()) for v in start]
optimizer = make([{{"params": params[:1]}}, {{"params": params[1:]}}], **{dict(options)!r})
for g in gradients:
    step(optimizer, params, g)
a, b = read(optimizer, params), run(start, gradients, **{dict(options)!r})
""",
        options=options,
        raises=Outcome.NOT_CLAIMED,
        differs=Outcome.LIMIT,
        scenario={"options": dict(options), "groups": "two of equal options"},
        control=partial(_by_place, subject, options, repeated),
    )


def _by_place(
    subject: Subject, options: Mapping[str, Any], repeated: int, start: Start, gradients: Gradients
) -> float:
    """Return what the order of the parameters does: splitting changes places in their lists."""
    plain = _run(subject, options, repeated, False, start, gradients)
    turned = _run(subject, options, repeated, False, start[::-1], [g[::-1] for g in gradients])
    return gap(Trajectory([values[::-1] for values in turned.values]), plain)


def _run(
    subject: Subject,
    options: Mapping[str, Any],
    repeated: int,
    split: bool,
    start: Start,
    gradients: Gradients,
) -> Trajectory:
    rows = uneven(gradients)
    rows = rows[:1] * repeated if repeated > 1 else rows
    apart: Groups = [([0], {}), (list(range(1, len(start))), {})][: len(start)]
    return subject.run(start, rows, options=options, groups=apart if split else None)
