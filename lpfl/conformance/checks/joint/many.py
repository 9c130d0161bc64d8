"""More parameters than a small example has: all of them are stepped alike."""

from collections.abc import Mapping, Sequence
from typing import Any

from lpfl.conformance.agreement import SCALARS, Gradients, Start
from lpfl.conformance.checks.joint.empty import PATHS
from lpfl.conformance.learning.cost import calls_per_step
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.signatures import Undrivable
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

MANY = "api.many"
COUNT, FEWER, KINDS = 401, 130, 4
"""Numbers of parameters, where steps are cheap and dear; each is one of kinds, which repeat."""
STEPS = 2
CALLS = 2e5
"""Calls of functions that a run of many parameters may make."""


@check(MANY, tags=("api",), cost=0.05, needs=("params",))
def many(subject: Subject) -> CheckResult:
    """Of 401 parameters, those of equal start and gradients move alike."""
    shape = next(iter(subject.shapes((3,), (4, 3))), None)
    if shape is None:
        raise Undrivable("it takes charge of no small parameter")
    affordable = CALLS / (STEPS * calls_per_step(subject))
    count = COUNT if affordable >= COUNT else FEWER
    if affordable < count:
        raise Undrivable(f"its steps are too dear for {count} parameters")
    start, gradients = subject.draw([shape] * KINDS, STEPS, MANY)
    bound, farthest = max(SCALARS, tolerance(subject, MANY)), 0.0
    for options in ({}, *({path: True} for path in PATHS if subject.accepts(path))):
        try:
            apart = _apart(subject, start, gradients, options, count)
            lost = [i for i, a in enumerate(apart) if not a <= bound]
            if (
                lost
                and len(lost) < count / 2
                and _always(subject, start, gradients, options, apart)
            ):
                return _lost(subject, shape, options, lost, apart, bound)
        except Exception:
            if not options:
                raise
            continue
        farthest = max(farthest, *(a for a in apart if a <= bound))
    message = f"Of {count} parameters, those of equal start are at most {farthest:.2g} apart."
    return CheckResult(check=MANY, outcome=Outcome.CONFORMS, message=message, measured=farthest)


def _always(
    subject: Subject,
    start: Start,
    gradients: Gradients,
    options: Mapping[str, Any],
    apart: Sequence[float],
) -> bool:
    """Return whether the same ones are lost with another seed, and none of a few."""
    bound = max(SCALARS, tolerance(subject, MANY))
    other = _apart(subject, start, gradients, options, len(apart), seed=subject.seed + 7)
    few = _apart(subject, start, gradients, options, 2 * KINDS)
    return max(few) <= bound and [a <= bound for a in other] == [a <= bound for a in apart]


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
many = lambda row: [row[i % {KINDS}] for i in range({len(apart)})]
ends = run(many(start), [many(g) for g in gradients], **{dict(options)!r})
apart = [gap([p], [ends[i % {KINDS}]], [start[i % {KINDS}]]) for i, p in enumerate(ends)]
print('parameters unlike the first of their kind:', sum(a > {bound} for a in apart))
"""
    drawn = [shape] * KINDS
    return CheckResult(
        check=MANY,
        outcome=Outcome.DEVIATES,
        message=f"Of {len(apart)} parameters of shape {shape}{said}, number {places} end up to "
        f"{max(apart):.2g} of the way from others of the same start and gradients.",
        measured=max(apart),
        bound=bound,
        scenario={"parameters": len(apart), "shape": shape, "options": dict(options)},
        **evidence(subject, body, float(len(lost)), shapes=drawn, steps=STEPS, stream=(MANY,)),
    )
