"""Gradients that an optimizer accumulates itself: under a clip or a switch, missing, and coarse."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.checks.accumulated import CALLS, NAME, SHAPES
from lpfl.conformance.checks.off_by_default import entry
from lpfl.conformance.checks.optional.off import off_by_default, offered, words_of
from lpfl.conformance.checks.promised.clip_options import CLIPS
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject, Trajectory
from lpfl.conformance.trajectory import distance

EACH = ("each micro", "every micro", "per micro", "each call", "every call")
"""Words by which an option is told to act on each gradient that is accumulated."""
WAYS = {"mean": (0.5, 1.0), "sum": (1.0, 1.0), "last": (1.0, 0.0)}
"""What a step is by: a share of so much of the first gradient of two, and the second."""
SAME = 1e-6
SMALL, MANY = 1 / 550, 700
"""Small gradients against a first one: alone they round away, all of them turn the sum's sign."""


def accumulating(subject: Subject, check_id: str) -> Iterator[CheckResult]:
    """Yield what is found about options beside the one that makes k calls one step."""
    for name in offered(subject):
        held = subject.default(name)
        if isinstance(held, int) and not isinstance(held, bool) and NAME.search(name):
            found = (
                _beside(subject, check_id, name),
                _missing(subject, check_id, name),
                _rounded(subject, check_id, name),
            )
            yield from filter(None, found)


def _beside(subject: Subject, check_id: str, name: str) -> CheckResult | None:
    """Return the finding that an option acts on each of the gradients, not on what they make.

    That is their mean, their sum or the last of them, whichever it is without the option.
    """
    shapes = subject.shapes(*SHAPES)
    words = documentation(subject, subject.open(subject.draw(shapes, 0, check_id)[0]).optimizer)

    def judged(options: Mapping[str, Any]) -> list[CheckResult]:
        pairs = [_pair(subject, check_id, name, by, options) for by in WAYS]
        return [agree(subject, pair, shapes, CALLS) for pair in pairs]

    if not any(answer.outcome is Outcome.CONFORMS for answer in judged({})):
        return None
    for options in off_by_default(subject):
        switch = any(isinstance(v, bool) for v in options.values())
        if name in options or not (switch or any(CLIPS.search(n) for n in options)):
            continue
        if any(said in entry(words, n).lower() for n in options for said in EACH):
            continue
        answers = judged(options)
        if all(answer.outcome is Outcome.LIMIT for answer in answers):
            return answers[0]
    return None


def _pair(subject: Subject, check_id: str, name: str, by: str, options: Mapping[str, Any]) -> Pair:
    share, first = WAYS[by]

    def twice(start: Start, gradients: Gradients) -> Trajectory:
        even = gradients[: len(gradients) // 2 * 2]
        run = subject.run(start, even, options={**options, name: 2})
        return Trajectory(run.values[::2])

    def once(start: Start, gradients: Gradients) -> Trajectory:
        pairs = zip(gradients[::2], gradients[1::2], strict=False)
        joined = [[share * (first * x + y) for x, y in zip(a, b, strict=True)] for a, b in pairs]
        return subject.run(start, joined, options={**options, name: 1})

    beside = f" and {words_of(options)}" if options else ""
    return Pair(
        check=check_id,
        says=f"with {name}=2{beside}, beside one with {name}=1 on the {by} of two gradients,",
        plain=once,
        other=twice,
        body=f"""
even = gradients[:len(gradients) // 2 * 2]
pairs = list(zip(even[::2], even[1::2]))
joined = [[{share} * ({first} * x + y) for x, y in zip(g, h)] for g, h in pairs]
a = run(start, even, **{dict(options, **{name: 2})!r})
b = run(start, joined, **{dict(options, **{name: 1})!r})
""",
        options=options,
        differs=Outcome.LIMIT,
        scenario={"options": {**options, name: 2}},
    )


def _missing(subject: Subject, check_id: str, name: str) -> CheckResult | None:
    """Return the finding that half of the sum of three gradients makes a step, where one lacks.

    Only where that is what the step is; one that counts a missing gradient as none, or waits for
    as many as it needs, is not.
    """
    start, gradients = subject.draw([(6, 4), (6, 4)], 6, check_id, "missing")
    rows: list[list[Any]] = [list(row) for row in gradients]
    rows[3][1] = None
    own = [row[1] for row in gradients]
    steps = [[0.5 * (own[0] + own[1])], [0.5 * (own[2] + own[4] + own[5])]]
    try:
        two = subject.run(start, rows, options={name: 2}).end[1:]
        one = subject.run(start[1:], steps, options={name: 1})
        apart = distance(one.end, two) / one.displacement()
    except Exception:  # other drives say so
        return None
    if not apart <= SAME:
        return None
    body = f"""
own = [g[1] for g in gradients]
gradients[3][1] = None
a = run(start, gradients, **{ {name: 2}!r})[1:]
steps = [[0.5 * (own[0] + own[1])], [0.5 * (own[2] + own[4] + own[5])]]
b = run(start[1:], steps, **{ {name: 1}!r})
print('one step is half of three gradients:', gap(a, b, start[1:]) <= {SAME})
"""
    shapes, stream = [(6, 4), (6, 4)], (check_id, "missing")
    return CheckResult(
        check=check_id,
        outcome=Outcome.LIMIT,
        message=f"With {name}=2, where a parameter has no gradient in the second of two calls, its "
        "next step is by half of the sum of three gradients.",
        measured=apart,
        bound=SAME,
        scenario={"options": {name: 2}, "no gradient in call": 4},
        **evidence(subject, body, "gradients: True", shapes=shapes, steps=6, stream=stream),
    )


def _rounded(subject: Subject, check_id: str, name: str) -> CheckResult | None:
    """Return the finding that small gradients in bfloat16 are rounded away one by one."""
    _, (row,) = subject.draw([(6, 4)], 1, check_id, "rounded")

    def moved(dtype: torch.dtype) -> torch.Tensor:
        sign = row[0].sign().to(dtype)
        session = subject.open([torch.zeros(6, 4, dtype=dtype)], options={name: MANY + 1})
        for t in range(MANY + 1):
            session.step([-SMALL * sign if t else sign])
        return session.values()[0]

    try:
        usual, coarse = moved(torch.float32), moved(torch.bfloat16)
    except Exception:  # the format or so many calls are refused
        return None
    if not (usual * row[0] > 0).all() or not (coarse * row[0] < 0).all():
        return None
    body = f"""
def moved(dtype):
    sign = gradients[0][0].sign().to(dtype)
    optimizer, params = begin([torch.zeros(6, 4, dtype=dtype)], **{ {name: MANY + 1}!r})
    for t in range({MANY + 1}):
        step(optimizer, params, [-{SMALL!r} * sign if t else sign])
    return read(optimizer, params)[0] * sign


print('moves by the first in bfloat16:', bool((moved(torch.bfloat16) < 0).all()),
      'in float32:', bool((moved(torch.float32) < 0).all()))
"""
    return CheckResult(
        check=check_id,
        outcome=Outcome.NUMERICS,
        message=f"With {name}={MANY + 1}, {MANY} small gradients in bfloat16 are lost beside a "
        "first one that their sum outweighs: they are added up in bfloat16, as in p.grad.",
        measured=1.0,
        scenario={"options": {name: MANY + 1}, "dtype": "bfloat16"},
        **evidence(
            subject,
            body,
            "True in float32: False",
            shapes=[(6, 4)],
            steps=1,
            stream=(check_id, "rounded"),
        ),
    )
