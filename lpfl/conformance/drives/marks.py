"""The marks of a profiler that nobody runs: torch sets one at each step of an optimizer.

They take a tenth of the time of a cheap step. A subject's own process leaves them out; where calls
are counted they are set as ever, so that a count does not depend on it.
"""

import contextlib
from collections.abc import Iterator

from torch.autograd import profiler

_published = profiler.record_function


class _NoMark(contextlib.ContextDecorator):
    """What stands in for ``torch.autograd.profiler.record_function``: it does nothing."""

    def __init__(self, name: str, args: str | None = None) -> None:
        pass

    def __enter__(self) -> "_NoMark":
        return self

    def __exit__(self, *error: object) -> None:
        pass


@contextlib.contextmanager
def marks(on: bool) -> Iterator[None]:
    """Set the marks, or leave them out, until the end of the block."""
    outer = profiler.record_function
    profiler.record_function = _published if on else _NoMark  # type: ignore[misc,assignment]
    try:
        yield
    finally:
        profiler.record_function = outer  # type: ignore[misc]
