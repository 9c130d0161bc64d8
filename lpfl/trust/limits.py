"""An end for work that may never end, counted in processor time: load does not matter."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class OutOfTime(BaseException):
    """The time is over; no ``except Exception`` of the work catches this."""


@contextmanager
def processor_time(seconds: float) -> Iterator[None]:
    """Raise OutOfTime after ``seconds`` of this process; without timers of Unix: no limit."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)
