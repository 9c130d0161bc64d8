"""Schedules of an optimizer's own, past their end."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lpfl.conformance.agreement import Start
from lpfl.conformance.checks.optional.off import ACTS, offered, words_of
from lpfl.conformance.definition.option_names import known_as
from lpfl.conformance.drives.refusals import refuses
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject, Trajectory
from lpfl.conformance.trajectory import gap

ID = "api.past-end"
HORIZON = re.compile(
    r"^((t|num|n|max|train(ing)?|total|anneal(ing)?|decay|horizon)_)*"
    r"(total|horizon|t_max|(steps|iters?|iterations|updates)"
    r"(_(total|max|horizon|training))?)$",
    re.IGNORECASE,
)
LENGTH = re.compile(r"total|horizon|max|num|^n_|train|decay|anneal", re.IGNORECASE)
"""What the name of a length of a schedule holds: ``steps`` alone is many things."""
ENDS, TIMES = (6, 10), 3
"""Lengths that are tried, and how many of them a run takes."""
SHAPES = ((6, 4), (5,))
LEAST = 1e-2
"""Part of the longest step down that a step up must be."""


@check(ID, tags=("api",), cost=0.1, needs=("params",))
def past_end(subject: Subject) -> Iterable[CheckResult]:
    """Past the end of a schedule of its own, step() raises nothing and goes down."""
    asked = 0
    for name in offered(subject):
        if not _is_a_length(name, subject.default(name)):
            continue
        for end in ENDS:
            answer, acts = _judged(subject, {name: end}, end)
            if answer is not None:
                yield answer
                return
            if acts:
                asked += 1
                break
    if asked:
        message = f"Past the end of {asked} schedules, no step raises or goes up."
        yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)


def _is_a_length(name: str, held: Any) -> bool:
    number = held is None or (isinstance(held, int | float) and not isinstance(held, bool))
    return bool(number and HORIZON.search(name) and LENGTH.search(name))


def _judged(
    subject: Subject, options: Mapping[str, Any], end: int
) -> tuple[CheckResult | None, bool]:
    """Return what is found with a schedule of this length, and whether the length acts at all."""
    start, (row,) = subject.draw(subject.shapes(*SHAPES), 1, ID)
    gradients = [row] * (TIMES * end)
    given = {**options, **dict.fromkeys(known_as(subject, "weight_decay"), 0.0)}
    usual = {name: value for name, value in given.items() if name not in options}
    try:
        within = subject.run(start, gradients[: end - 1], options=given)
        plain = subject.run(start, gradients, options=usual)
    except Exception:  # so short a schedule, or the ordinary run, is refused
        return None, False
    if not (within.finite and plain.finite) or _rises(plain, row) or _rises(within, row):
        return None, False
    try:
        run = subject.run(start, gradients, options=given)
    except Exception as error:
        outcome = Outcome.VARIANT if refuses(error) else Outcome.LIMIT
        said = f"raises {told(error).rstrip('.')}"
        return _answer(subject, given, end, outcome, said, type(error).__name__), True
    if not run.finite:
        return _answer(subject, given, end, Outcome.LIMIT, "ends in no numbers", "ends: nan"), True
    if not _rises(run, row):
        return None, gap(run, plain) > ACTS
    said = "goes up, along the gradient"
    return _answer(subject, given, end, Outcome.LIMIT, said, "goes up: True"), True


def _rises(run: Trajectory, row: Start) -> bool:
    """Return whether a step goes along the gradient, which is the same in all of them."""
    along = [
        sum(float((b - a).mul(g).sum()) for a, b, g in zip(old, new, row, strict=True))
        for old, new in zip(run.values, run.values[1:], strict=False)
    ]
    return max(along) > LEAST * max(map(abs, along))


def _answer(
    subject: Subject,
    options: Mapping[str, Any],
    end: int,
    outcome: Outcome,
    said: str,
    proof: str,
) -> CheckResult:
    shapes = subject.shapes(*SHAPES)
    body = f"""
optimizer, params = begin(start, **{dict(options)!r})
size, up = 0.0, 0.0
try:
    for t in range({TIMES * end}):
        before = read(optimizer, params) if t else start
        step(optimizer, params, gradients[0])
        after = read(optimizer, params)
        along = sum(float(((a - b) * g).sum()) for a, b, g in zip(after, before, gradients[0]))
        if along != along:
            break
        size, up = max(size, abs(along)), max(up, along)
    print('ends: nan' if along != along else f'goes up: {{up > {LEAST} * size}}')
except Exception as error:
    print(type(error).__name__)
"""
    shown = evidence(subject, body, proof, shapes=shapes, steps=1, stream=(ID,))
    return CheckResult(
        check=ID,
        outcome=outcome,
        message=f"With {words_of(options)}, a run of {TIMES * end} steps {said}; one of {end - 1} "
        "steps does not.",
        scenario={"options": dict(options), "steps": TIMES * end},
        **({} if outcome is Outcome.VARIANT else shown),
    )
