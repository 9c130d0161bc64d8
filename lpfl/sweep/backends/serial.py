"""Tasks in this process, one after the other: for tests and for a debugger."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any


class Serial:
    """Answers tasks in order, here."""

    def check(self) -> None:
        """Nothing can be missing."""

    def answers(
        self,
        function: Callable[..., Any],
        tasks: Iterable[tuple[Any, ...]],
        *,
        preload: Sequence[str] = (),
    ) -> Iterator[tuple[tuple[Any, ...], Any]]:
        """Yield ``(task, function(*task))``."""
        for task in tasks:
            yield task, function(*task)
