"""Decay rates of first moments at 0: the last gradient alone, not another rate."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.definition.alternatives import alternatives
from lpfl.conformance.drives.refusals import refuses
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject, Trajectory
from lpfl.conformance.trajectory import gap

ID = "api.zero-options"
RATES = ("momentum", "betas", "beta1")
TINY, BOUND, STEPS = 1e-12, 1e-3, 6
HALF = 0.5
"""Default below which a rate is a weight of the gradient."""


@check(ID, tags=("api",), cost=0.05, needs=("inject",))
def zero_options(subject: Subject) -> Iterable[CheckResult]:
    """A momentum or beta of 0 does what a tiny one does, or is refused."""
    shapes = subject.shapes((6, 4), (5,))
    results = [
        agree(subject, pair, shapes, STEPS)
        for pair in _pairs(subject)
        if _taken(subject, pair, shapes)
    ]
    if not results:
        message = "Not applicable: no momentum or beta can be 0."
        return [CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)]
    return results


def _pairs(subject: Subject) -> Iterator[Pair]:
    for name, zero, tiny in _at_zero(subject):
        yield Pair(
            check=ID,
            says=f"with {name} = 0, beside one with {TINY:g},",
            plain=partial(_run, subject, tiny),
            other=partial(_run, subject, zero),
            body=f"""
a, b = run(start, gradients, **{dict(zero)!r}), run(start, gradients, **{dict(tiny)!r})
""",
            options=tiny,
            scenario={"options": dict(zero)},
            differs=Outcome.LIMIT,
            tolerance=BOUND,
        )


def _run(
    subject: Subject, options: Mapping[str, Any], start: Start, gradients: Gradients
) -> Trajectory:
    return subject.run(start, gradients, options=options)


def _taken(subject: Subject, pair: Pair, shapes: list[tuple[int, ...]]) -> bool:
    """Return whether the optimizer runs and moves at 0 and beside it, and not without gradients.

    A value may be refused in words; what stumbles over it is a finding. Where the option is the
    weight of the gradient, 0 leaves none: it stands still, or shrinks its weights whatever the
    gradients are.
    """
    start, gradients = subject.draw(shapes, STEPS, ID)
    try:
        plain = pair.plain(start, gradients)
    except Exception:
        return False
    try:
        runs = plain, pair.other(start, gradients)
    except Exception as error:
        return plain.finite and not refuses(error) and _of_the_past(subject, pair)
    try:
        if not all(run.finite and run.displacement() > 0 for run in runs):
            return False
        _, others = subject.draw(shapes, STEPS, ID, "other gradients")
        return gap(pair.other(start, others), runs[1]) > BOUND
    except Exception:
        return False


def _of_the_past(subject: Subject, pair: Pair) -> bool:
    """Return whether the option is by default a weight of the past, not of the gradient."""
    (name,) = pair.scenario["options"]
    held = subject.default(name)
    first = held[0] if isinstance(held, tuple | list) else held
    return isinstance(first, int | float) and not 0 < first < HALF


def _at_zero(subject: Subject) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Yield (name, options with it at 0, options with it tiny) for rates of first moments.

    Steps are continuous in these; at second moments 0 may leave directions without any. A method
    that reads its average by dividing by the rate has none at 0, and only rounding beside it.
    """
    if "mode" in subject.needs:
        return
    for name in RATES:
        held = subject.default(name) if name in alternatives(subject) else None
        if isinstance(held, tuple | list):
            rest = held[1:]
            yield f"{name}[0]", {name: (0.0, *rest)}, {name: (TINY, *rest)}
        elif held is not None:
            yield name, {name: 0.0}, {name: TINY}
