"""Tasks on a few processes of this machine."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lpfl.verify.running.workers import ATTEMPTS, WARM, on_processes


@dataclass(frozen=True)
class Processes:
    """Answers tasks on ``jobs`` processes, a task whose process ends on another one.

    method: how processes start, see ``lpfl.verify.running.workers``.
    """

    jobs: int
    method: str = WARM

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise ValueError(f"jobs={self.jobs}, needs >= 1")

    def check(self) -> None:
        """Nothing can be missing."""

    def answers(
        self,
        function: Callable[..., Any],
        tasks: Iterable[tuple[Any, ...]],
        *,
        preload: Sequence[str] = (),
    ) -> Iterator[tuple[tuple[Any, ...], Any]]:
        """Yield the answers in the order of completion."""
        return on_processes(
            function,
            tasks,
            jobs=self.jobs,
            method=self.method,
            preload=preload,
            attempts=ATTEMPTS,
        )
