"""The same method from two packages on the same gradients: a second opinion.

Agreement supports a verdict; it acquits nobody, since ports share their faults.
"""

from collections.abc import Mapping
from typing import Any

from lpfl.conformance.definition.runs import total
from lpfl.conformance.definition.scenarios import Scenario, draw
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.signatures import Undrivable
from lpfl.conformance.spec import OptimizerSpec
from lpfl.conformance.subject import Subject

SHAPES = ((6, 4), (4, 6), (5, 5), (5,), (4, 3, 2, 2))
AGREE = 1e-6


def differential(
    one: OptimizerSpec,
    other: OptimizerSpec,
    *,
    options: Mapping[str, Any] | None = None,
    other_options: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> CheckResult:
    """Return how far two optimizers part on one stream of gradients, at worst over shapes.

    options, other_options: given to the first and to the second; by default to both the same.
    The outcome is ``conforms`` where they agree to 1e-6 of the way gone, else ``inconclusive``:
    one of two that differ is wrong, or both are right under other conventions.
    Raises: Undrivable if there is no shape that both take.
    """
    first, second = Subject(one, seed=seed), Subject(other, seed=seed)
    theirs = options if other_options is None else other_options
    scenario = Scenario("the same gradients", SHAPES)
    worst, place = -1.0, tuple[int, ...]()
    for shape in SHAPES:
        if not (first.handles(shape) and second.handles(shape)):
            continue
        start, gradients = draw(scenario, shape, first)
        rows = [[g] for g in gradients]
        ends = [
            subject.run([start], rows, options=given).end
            for subject, given in ((first, options), (second, theirs))
        ]
        way = max(total([end[0] - start]) for end in ends)
        gap = total([ends[0][0] - ends[1][0]]) / max(way, 1e-300)
        if gap > worst:
            worst, place = gap, shape
    if worst < 0:
        raise Undrivable(f"{one.name} and {other.name} take none of the shapes {SHAPES} together")
    agree = worst <= AGREE
    text = f"{one.name} and {other.name} part by {worst:.2g} of the way gone in 14 steps"
    return CheckResult(
        check="def.differential",
        outcome=Outcome.CONFORMS if agree else Outcome.INCONCLUSIVE,
        message=f"{text}: {'a second opinion agrees' if agree else 'their conventions differ'}.",
        measured=worst,
        bound=AGREE,
        scenario={"shape": list(place), "options": dict(options or {})},
    )
