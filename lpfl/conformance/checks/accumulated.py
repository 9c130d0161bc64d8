"""Gradients that an optimizer accumulates itself: two calls are one step by their mean."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.rounding import attributable, tolerance
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject, Trajectory
from lpfl.conformance.trajectory import gap

ID = "api.micro-batches"
NAME = re.compile(r"(^|_)accum(ulat(e|es|ed|ion|ions|ing))?(_|$)")
SHAPES = ((6, 4), (5,))
CALLS = 12
STILL = 1e-12
SHOWS = 1e-3
"""Share of the way from which a difference is worth a word."""
LOPSIDED = ((0.25, 0.5), (0.5, 0.25), (0.5, 1.0), (1.0, 0.5), (1.0, 0.0))
"""Parts of two gradients in a step, which are not the same for both."""


def accumulated(subject: Subject) -> Iterator[CheckResult]:
    """Yield what is found about each option that makes k calls one step.

    By its mean, by its sum: either will do, also the last gradient alone, which is the sum where
    nobody clears it in between. An optimizer may join gradients in a way of its own, such as
    squares of each; it is judged then only where the two of a step are equal.
    """
    for name in sorted(subject.constructor_names):
        held = subject.default(name)
        whole = isinstance(held, int) and not isinstance(held, bool)
        if whole and NAME.search(name) and (answer := _judged(subject, name)):
            yield answer
            return


def _judged(subject: Subject, name: str) -> CheckResult | None:
    start, drawn = subject.draw(subject.shapes(*SHAPES), CALLS, ID, name)
    twice = [drawn[t - t % 2] for t in range(CALLS)]
    decays = isinstance(subject.default("weight_decay"), float)
    still: Mapping[str, Any] = {"weight_decay": 0.0} if decays else {}
    decayed: Mapping[str, Any] = {"weight_decay": 0.5} if decays else {}
    try:
        if not _every_other(subject.run(start, drawn, options={**still, name: 2})):
            return None
        equal, mean = (_apart(subject, name, start, g, still) for g in (twice, drawn))
        bound = max(SHOWS, tolerance(subject, ID))
        if mean > bound and (shares := _uneven(subject, name, start, drawn, still)):
            return _lopsided(subject, name, shares, mean, still)
        if equal > bound:
            return _found(subject, name, start, twice, still, Outcome.LIMIT)
        if decays and mean <= tolerance(subject, ID):
            if _apart(subject, name, start, drawn, decayed) > bound:
                return _found(subject, name, start, drawn, decayed, Outcome.DEVIATES)
        elif decays and _apart(subject, name, start, twice, decayed) > bound:
            return _found(subject, name, start, twice, decayed, Outcome.LIMIT)
    except Exception:  # the option is refused
        return None
    return None


def _every_other(run: Trajectory) -> bool:
    """Return whether every second call moves, from the second on, and no other call."""
    moved = [
        max(float(run.moves(i)[t].abs().max()) for i in range(len(run.end)))
        for t in range(run.steps)
    ]
    return max(moved[::2]) <= STILL * max(moved) and min(moved[1::2]) > 0


def _joined(gradients: Gradients, by: str) -> Gradients:
    pairs = list(zip(gradients[::2], gradients[1::2], strict=True))
    if by == "last":
        return [list(b) for _, b in pairs]
    share = 0.5 if by == "mean" else 1.0
    return [[share * (x + y) for x, y in zip(a, b, strict=True)] for a, b in pairs]


def _uneven(
    subject: Subject, name: str, start: Start, gradients: Gradients, options: Mapping[str, Any]
) -> tuple[float, float] | None:
    """Return the parts, unlike each other, of two gradients by whose sum a step is, if so."""
    two = _two(subject, name, start, gradients, options)
    for a, b in LOPSIDED:
        pairs = zip(gradients[::2], gradients[1::2], strict=True)
        joined = [[a * x + b * y for x, y in zip(g, h, strict=True)] for g, h in pairs]
        if gap(_one(subject, name, start, joined, options), two) <= tolerance(subject, ID):
            return a, b
    return None


def _lopsided(
    subject: Subject,
    name: str,
    shares: tuple[float, float],
    apart: float,
    options: Mapping[str, Any],
) -> CheckResult:
    """Return the finding that one gradient of two counts more than the other."""
    a, b = shares
    body = f"""
pairs = list(zip(gradients[::2], gradients[1::2]))
a = run(start, gradients, **{dict(options, **{name: 2})!r})
join = lambda x, y: [[x * u + y * v for u, v in zip(g, h)] for g, h in pairs]
to = lambda x, y: gap(run(start, join(x, y), **{dict(options, **{name: 1})!r}), a, start)
print('from the mean of two', to(0.5, 0.5))
print('is {a} of the first and {b} of the second:', to({a}, {b}) < {SHOWS})
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"With {name}=2 a step is by {a} of the first of two gradients and {b} of the "
        f"second, {apart:.2g} of the way from one by their mean.",
        measured=apart,
        bound=SHOWS,
        scenario={"options": {**options, name: 2}, "calls": CALLS},
        **evidence(
            subject,
            body,
            "second: True",
            shapes=subject.shapes(*SHAPES),
            steps=CALLS,
            stream=(ID, name),
        ),
    )


def _apart(
    subject: Subject, name: str, start: Start, gradients: Gradients, options: Mapping[str, Any]
) -> float:
    """Return the least distance from a run by the means, the sums or the last gradients."""
    return min(
        gap(
            _one(subject, name, start, _joined(gradients, by), options),
            _two(subject, name, start, gradients, options),
        )
        for by in ("mean", "sum", "last")
    )


def _one(
    subject: Subject, name: str, start: Start, gradients: Gradients, options: Mapping[str, Any]
) -> Trajectory:
    return subject.run(start, gradients, options={**options, name: 1})


def _two(
    subject: Subject, name: str, start: Start, gradients: Gradients, options: Mapping[str, Any]
) -> Trajectory:
    run = subject.run(start, gradients, options={**options, name: 2})
    return Trajectory(run.values[::2])


def _found(
    subject: Subject,
    name: str,
    start: Start,
    gradients: Gradients,
    options: Mapping[str, Any],
    outcome: Outcome,
) -> CheckResult | None:
    """Return the finding with its program, if rounding and a seed do not make as much."""
    apart = _apart(subject, name, start, gradients, options)
    runs = [
        lambda s, g: _two(subject, name, s, g, options),
        lambda s, g: _one(subject, name, s, _joined(g, "mean"), options),
    ]
    if not attributable(subject, apart, start, gradients, options=options, runs=runs):
        return None
    equal = gradients[0] is gradients[1]
    said = ", ".join(f"{k}={v}" for k, v in options.items())
    body = f"""
{"gradients = [gradients[t - t % 2] for t in range(len(gradients))]" if equal else ""}
pairs = list(zip(gradients[::2], gradients[1::2]))
a = run(start, gradients, **{dict(options, **{name: 2})!r})
joined = lambda share: [[share * (x + y) for x, y in zip(g, h)] for g, h in pairs]
ways = [joined(0.5), joined(1.0), [h for _, h in pairs]]
print('distance', min(gap(run(start, g, **{dict(options, **{name: 1})!r}), a, start) for g in ways))
"""
    return CheckResult(
        check=ID,
        outcome=outcome,
        message=f"With {name}=2{f', {said}' if said else ''}, a run is {apart:.2g} from those with "
        f"{name}=1 on the means, the sums and the last of each two "
        f"{'equal ' if equal else ''}gradients.",
        measured=apart,
        bound=SHOWS,
        scenario={"options": {**options, name: 2}, "calls": CALLS},
        **evidence(
            subject, body, apart, shapes=subject.shapes(*SHAPES), steps=CALLS, stream=(ID, name)
        ),
    )
