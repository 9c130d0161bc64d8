"""Where the outcome of a decision rule changes: found by halving, not read from its numbers."""

from collections.abc import Callable, Iterator

from lpfl.decide import Outcome
from lpfl.verify.expect import Below
from lpfl.verify.tolerance import Tolerance

HALVINGS = 60


def first_beyond(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Return the edge in [low, high] from which ``holds`` stays true, it being false at low.

    A rule that does not turn in between turns at one of the ends: ``low`` if ``holds`` is true
    there already, ``high`` if it is not even true there.
    """
    if holds(low):
        return low
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def refutes(decide: Callable[[float], Outcome]) -> Callable[[float], bool]:
    """Return whether the outcome at a number is refuted."""
    return lambda x: decide(x) is Outcome.REFUTED


def does_not_confirm(decide: Callable[[float], Outcome]) -> Callable[[float], bool]:
    """Return whether the outcome at a number is anything but confirmed."""
    return lambda x: decide(x) is not Outcome.CONFIRMED


def confirms(decide: Callable[[float], Outcome]) -> Callable[[float], bool]:
    """Return whether the outcome at a number is confirmed."""
    return lambda x: decide(x) is Outcome.CONFIRMED


def from_both_sides(
    part: str, measured: float, predicted: float, relative: Tolerance, *, label: str = ""
) -> Iterator[Below]:
    """Compare two numbers > 0 as two bounds, for checks of the rule that decides equalities."""
    said = f"{label}, " if label else ""
    for name, found, limit in (
        ("at most", measured, predicted),
        ("the inverse at most", 1.0 / measured, 1.0 / predicted),
    ):
        yield Below(
            part=part,
            measured=found,
            limit=limit,
            tolerance=relative.times(limit, "of the limit"),
            label=f"{said}{name}",
        )
