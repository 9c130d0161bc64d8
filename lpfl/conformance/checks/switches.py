"""Switches of an optimizer's own: each of them turned over, beside weight decay."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.checks.api.missing import decayed
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject, Trajectory

PLUMBING = frozenset(
    {"foreach", "fused", "multi_tensor", "use_foreach", "capturable", "differentiable", "maximize"}
)
"""Switches that choose a path or a direction, which checks of their own turn over."""
ORDER = "api.order-switches"
STEPS = 4


def switches(subject: Subject) -> dict[str, bool]:
    """Return the other value of each switch of the constructor that works turned over."""
    if "switches" not in subject.memory:
        hidden = subject.default_group.keys() if subject.hides_options else frozenset[str]()
        names = sorted({*subject.constructor_names, *hidden} - PLUMBING)
        found = {n: not v for n in names if isinstance(v := subject.default(n), bool)}
        subject.memory["switches"] = {n: v for n, v in found.items() if works(subject, {n: v})}
    return dict(subject.memory["switches"])


def turned_over(subject: Subject) -> list[Mapping[str, Any]]:
    """Return options with each switch turned over beside decay, then as many at once as work."""
    usual, found = decayed(subject), switches(subject)
    several: dict[str, bool] = {}
    for name, value in found.items():
        if works(subject, {**usual, **several, name: value}):
            several[name] = value
    each: list[Mapping[str, Any]] = [{**usual, name: value} for name, value in found.items()]
    return [*each, {**usual, **several}] if len(several) > 1 else each


def works(subject: Subject, options: Mapping[str, Any]) -> bool:
    """Return whether a short run with these options ends in numbers."""
    start, gradients = subject.draw([(6, 4)], 2, "switches")
    try:
        return subject.run(start, gradients, options=options).finite
    except Exception:
        return False


@check(ORDER, tags=("api",), cost=0.2, needs=("params",))
def order(subject: Subject) -> Iterable[CheckResult]:
    """The order of the parameters does not matter with a switch turned over, beside decay."""
    shapes, farthest = subject.shapes((6, 4), (5,), (3, 4)), 0.0
    usual = decayed(subject)
    plain = replace(_reversed(subject, {}), body="")
    if agree(subject, plain, shapes, STEPS).outcome in FINDINGS:
        message = "Not judged: the order matters by default, which api.order says."
        yield CheckResult(check=ORDER, outcome=Outcome.INCONCLUSIVE, message=message)
        return
    sets = [o for o in (usual, *turned_over(subject)) if o]
    for options in sets:
        result = agree(subject, _reversed(subject, options), shapes, STEPS)
        if result.outcome in FINDINGS:
            yield result
            return
        if result.outcome is not Outcome.UNDRIVABLE:
            farthest = max(farthest, result.measured or 0.0)
    message = (
        f"With each of {len(sets)} sets of options, runs in reverse order are at most "
        f"{farthest:.2g} apart."
    )
    yield CheckResult(check=ORDER, outcome=Outcome.CONFORMS, message=message, measured=farthest)


def _reversed(subject: Subject, options: Mapping[str, Any]) -> Pair:
    def turned(start: Start, gradients: Gradients) -> Trajectory:
        run = subject.run(start[::-1], [g[::-1] for g in gradients], options=options)
        return Trajectory([values[::-1] for values in run.values])

    said = ", ".join(f"{k}={v}" for k, v in options.items())
    return Pair(
        check=ORDER,
        says=f"with the parameters in reverse order and {said}",
        plain=lambda s, g: subject.run(s, g, options=options),
        other=turned,
        body=f"""
a = run(start[::-1], [g[::-1] for g in gradients], **{dict(options)!r})[::-1]
b = run(start, gradients, **{dict(options)!r})
""",
        options=options,
        scenario={"options": dict(options)},
    )
