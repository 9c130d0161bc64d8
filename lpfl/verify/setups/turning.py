"""Where the outcome of a decision rule changes: found by halving, not read from its numbers."""

from collections.abc import Callable

from lpfl.decide import Outcome

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
