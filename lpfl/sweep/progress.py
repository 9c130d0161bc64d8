"""How far a sweep is, in a line now and then on stderr, with the time that is left."""

from time import monotonic

from lpfl.commands.parts.terminal import say

SECONDS_BETWEEN = 2.0


class Progress:
    """Counts answers. total: all tasks; done: those that an earlier run has answered."""

    def __init__(self, total: int, done: int, *, every: float = SECONDS_BETWEEN) -> None:
        self.total, self.done, self.new, self.failed = total, done, 0, 0
        self._every = every
        self._start = monotonic()
        self._last = 0.0

    def note(self, failed: bool) -> None:
        """Count one answer; say something if nothing was said for a while, or this was the last."""
        self.done += 1
        self.new += 1
        self.failed += failed
        now = monotonic()
        if now - self._last >= self._every or self.done == self.total:
            self._last = now
            say(self.line(now))

    def line(self, now: float) -> str:
        """Return the line; the speed is the mean since this run began."""
        width = len(str(self.total))
        speed = self.new / max(now - self._start, 1e-3)
        left = duration((self.total - self.done) / speed)
        failed = f", {self.failed} failed" if self.failed else ""
        share = 100 * self.done // self.total
        return (
            f"[{self.done:{width}}/{self.total}] {share} %, {speed:.3g} tasks/s, "
            f"{left} left{failed}"
        )


def duration(seconds: float) -> str:
    """Return a time as a person says it: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
