"""Progress inside a long part: a line now and then, with the time that is left."""

from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

from lpfl.experiments.core.experiment import Say, duration

SECONDS_BETWEEN = 30.0
T = TypeVar("T")


def told(
    next_batch: Callable[[int], T],
    *,
    num_steps: int,
    say: Say,
    subject: str,
    every: float = SECONDS_BETWEEN,
) -> Callable[[int], T]:
    """Return ``next_batch``, which now also says how far the run is, ``every`` so many seconds.

    The step is its argument, 0 at the start.
    """
    start = last = perf_counter()

    def draw(step: int) -> T:
        nonlocal last
        now = perf_counter()
        if step > 0 and now - last >= every:
            last = now
            left = duration((now - start) / step * (num_steps - step))
            say(f"{subject}: step {step} of {num_steps}, about {left} left")
        return next_batch(step)

    return draw
