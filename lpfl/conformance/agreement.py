"""Two runs that must agree: the form of most checks."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.learning.cost import calls_per_step
from lpfl.conformance.learning.other_draws import other_draws
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.rounding import attributable, tolerance
from lpfl.conformance.signatures import Undrivable, told
from lpfl.conformance.smallest import smallest
from lpfl.conformance.snippets import contradicted, program, proven
from lpfl.conformance.trajectory import Trajectory, distance, end_gap, gap

if TYPE_CHECKING:
    from lpfl.conformance.subject import Subject

Start = list[torch.Tensor]
Gradients = list[list[torch.Tensor]]
SCALARS = 1e-5  # up to here a difference in float64 comes from numbers kept in float32
SQUARES = ((5, 5), (4, 4), (5, 5))
PRIVATE = 7
"""By how much the seeds of generators that an optimizer makes are moved."""
Run = Callable[[Start, Gradients], Trajectory]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two ways of running the same scenario, which must give the same parameters.

    says: the second way, in words that continue "the run ...". plain, other: the ways. body:
    program text that computes ``a`` (other) and ``b`` (plain), lists of parameters. options: of
    the plain run, for the control of rounding. raises, differs: outcomes. control: distance that
    other causes make in this scenario; the finding must be ten times as large.
    """

    check: str
    says: str
    plain: Run
    other: Run
    body: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    raises: Outcome = Outcome.LIMIT
    differs: Outcome = Outcome.DEVIATES
    scenario: Mapping[str, Any] = field(default_factory=dict)
    tolerance: float | None = None
    control: Callable[[Start, Gradients], float] | None = None


def agree(
    subject: "Subject", pair: Pair, shapes: Sequence[Sequence[int]], steps: int
) -> CheckResult:
    """Run a pair and grade the distance of its two runs; a finding is shrunk and proven."""
    bound = pair.tolerance or tolerance(subject, pair.check)
    stream = (pair.check, pair.says)
    start, gradients = subject.draw(shapes, steps, *stream)
    try:
        plain = pair.plain(start, gradients)
    except Exception as error:
        return _answer(pair, Outcome.UNDRIVABLE, f"The ordinary run raises {told(error)}.")
    try:
        other = pair.other(start, gradients)
    except Exception as error:
        return raising(subject, pair, error, shapes, steps, stream)
    apart = gap(other, plain)
    if apart <= bound:
        message = f"The run {pair.says} is {apart:.2g} from the ordinary one."
        return _answer(pair, Outcome.CONFORMS, message, measured=apart, bound=bound)
    if apart <= SCALARS:
        message = f"The run {pair.says} is {apart:.2g} off: numbers of float32 inside."
        return _answer(pair, Outcome.NUMERICS, message, measured=apart, bound=bound)
    if not _told(subject, pair, apart, start, gradients):
        message = (
            f"The run {pair.says} is {apart:.2g} from the ordinary one, which rounding of the "
            "inputs, another seed or the other parameters can do too."
        )
        return _answer(pair, Outcome.INCONCLUSIVE, message, measured=apart, bound=bound)
    return _difference(subject, pair, apart, bound, (shapes, steps), stream)


def agree_or_on_squares(
    subject: "Subject", pair: Pair, shapes: Sequence[Sequence[int]], steps: int
) -> CheckResult:
    """Grade as ``agree`` does, on square weights where rounding leaves no answer on others.

    A statistic of a few gradients of another shape has a null space, whose basis is free.
    """
    result = agree(subject, pair, shapes, steps)
    squares = subject.shapes(*SQUARES)
    if result.outcome is not Outcome.INCONCLUSIVE or len(squares) < 2:
        return result
    again = agree(subject, pair, squares, steps)
    return result if again.outcome is Outcome.INCONCLUSIVE else again


def _told(subject: "Subject", pair: Pair, apart: float, start: Start, gradients: Gradients) -> bool:
    """Return whether a distance is more than rounding, a seed and the control make."""
    if not attributable(
        subject, apart, start, gradients, options=pair.options, runs=(pair.plain, pair.other)
    ):
        return False
    if pair.control is not None and apart <= 10 * pair.control(start, gradients):
        return False
    return "model" in subject.needs or apart > 10 * _private_chance(pair, start, gradients)


def _private_chance(pair: Pair, start: Start, gradients: Gradients) -> float:
    """Return how far apart the ordinary run ends if generators of its own draw other numbers.

    Not for a model, whose weights are drawn within the run.
    """
    plain = pair.plain(start, gradients)
    with other_draws(PRIVATE):
        moved = pair.plain(start, gradients)
    return end_gap(moved, plain)


def raising(
    subject: "Subject",
    pair: Pair,
    error: Exception,
    shapes: Sequence[Sequence[int]],
    steps: int,
    stream: Sequence[str],
) -> CheckResult:
    """Grade a second way that raises although the ordinary run does not."""
    if isinstance(error, Undrivable):
        raise error
    kind = type(error)
    if says_so(error):
        return _answer(pair, Outcome.VARIANT, f"The run {pair.says} is refused: {told(error)}.")

    def shows(some: list[tuple[int, ...]], count: int) -> bool:
        start, gradients = subject.draw(some, count, *stream)
        try:
            pair.plain(start, gradients)
        except Exception:
            return False
        try:
            pair.other(start, gradients)
        except kind:
            return True
        return False

    least, count = smallest(shows, shapes, steps, each=calls_per_step(subject))
    text, why = "", ""
    if pair.body:
        body = _guarded(pair.body)
        text = program(subject, body, shapes=least, steps=count, stream=stream)
        text, why = proven(subject, text, kind.__name__)
    message = f"The run {pair.says} raises {told(error)}."
    scenario = {"shapes": least, "steps": count, **pair.scenario}
    return _answer(pair, pair.raises, message, scenario=scenario, snippet=text, why=why)


def _difference(
    subject: "Subject",
    pair: Pair,
    apart: float,
    bound: float,
    given: tuple[Sequence[Sequence[int]], int],
    stream: Sequence[str],
) -> CheckResult:
    if pair.differs is Outcome.VARIANT:
        message = f"The run {pair.says} ends {apart:.2g} of its way apart from the ordinary one."
        return _answer(pair, pair.differs, message, measured=apart, bound=bound)
    least = max(bound, 0.1 * min(apart, 1.0))

    def far(some: Sequence[Sequence[int]], count: int) -> float:
        start, gradients = subject.draw(some, count, *stream)
        apart = end_gap(pair.other(start, gradients), pair.plain(start, gradients))
        return apart if math.isfinite(apart) else 0.0

    shapes, steps = smallest(
        lambda some, count: far(some, count) > least, *given, each=calls_per_step(subject)
    )
    start, gradients = subject.draw(shapes, steps, *stream)
    if not _told(subject, pair, far(shapes, steps), start, gradients):
        shapes, steps = [tuple(s) for s in given[0]], given[1]
    other, plain = _both(subject, pair, shapes, steps, stream)
    if max(gap(other, plain), end_gap(other, plain)) <= bound:
        shapes, steps = [tuple(s) for s in given[0]], given[1]
        other, plain = _both(subject, pair, shapes, steps, stream)
    measured, at_end = gap(other, plain), end_gap(other, plain)
    if max(measured, at_end) <= bound:  # nothing else was changed since it was measured
        message = (
            f"The run {pair.says} was {apart:.2g} from the ordinary one, and {measured:.2g} when "
            "asked again: not reproducible, it depends on what ran before in this process."
        )
        return _answer(pair, Outcome.INCONCLUSIVE, message, measured=measured, bound=bound)
    measured = measured if measured > bound else at_end
    outcome, text, why = pair.differs, "", ""
    if pair.body:
        body = pair.body + "\nprint('distance', gap(a, b, start))"
        text = program(subject, body, shapes=shapes, steps=steps, stream=stream)
        infinite = distance(other.end, plain.end) / (plain.displacement() or 1.0)
        shown = at_end if other.finite == plain.finite else infinite
        text, why = proven(subject, text, shown)
    message = f"The run {pair.says} ends {measured:.2g} of its way apart from the ordinary one."
    if other.finite != plain.finite:
        lost, kept = ("is not", "is") if plain.finite else ("is", "is not")
        message = f"The run {pair.says} {lost} finite, the ordinary one {kept}."
    if contradicted(why):
        outcome, message = Outcome.INCONCLUSIVE, f"{message[:-1]}; {why}: chance has a part."
    scenario = {"shapes": shapes, "steps": steps, **pair.scenario}
    return _answer(
        pair,
        outcome,
        message,
        measured=measured,
        bound=bound,
        scenario=scenario,
        snippet=text,
        why=why,
    )


def _both(
    subject: "Subject", pair: Pair, shapes: Sequence[Sequence[int]], steps: int, stream: Any
) -> tuple[Trajectory, Trajectory]:
    """Return the other run and the plain one, in this order."""
    start, gradients = subject.draw(shapes, steps, *stream)
    return pair.other(start, gradients), pair.plain(start, gradients)


def _answer(
    pair: Pair, outcome: Outcome, message: str, *, why: str = "", **more: Any
) -> CheckResult:
    details = {"snippet": why} if why else {}
    more.setdefault("scenario", dict(pair.scenario))
    return CheckResult(check=pair.check, outcome=outcome, message=message, details=details, **more)


def _guarded(body: str) -> str:
    lines = "\n".join("    " + line for line in body.strip().splitlines())
    return f"try:\n{lines}\nexcept Exception as error:\n    print(type(error).__name__, error)"
