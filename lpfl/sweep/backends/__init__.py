"""Where tasks run: in this process, on processes of this machine, on a Dask cluster.

A task is a tuple of plain JSON values, and what answers it is a module-level function that returns
plain JSON values. The answer depends on the task alone, so it is the same wherever it runs.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from lpfl.sweep.backends.processes import Processes
from lpfl.sweep.backends.serial import Serial
from lpfl.verify.running.workers import Lost

__all__ = ["Backend", "Lost", "Processes", "Serial", "backend_for", "require_scheduler"]

SCHEMES = ("tcp://", "tls://")
Task = tuple[Any, ...]


class Backend(Protocol):
    """Answers tasks."""

    def check(self) -> None:
        """Raise ValueError, before anything is done, if tasks cannot run there."""

    def answers(
        self, function: Callable[..., Any], tasks: Iterable[Task], *, preload: Sequence[str] = ()
    ) -> Iterator[tuple[Task, Any]]:
        """Yield ``(task, function(*task))`` in the order of completion.

        A task whose process ends again and again is answered by :class:`Lost`.
        preload: modules that every process needs. Closing the iterator ends what is running.
        """


def require_scheduler(scheduler: str | None) -> None:
    """Raise ValueError unless it is the address of a scheduler, or there is none."""
    if scheduler is None:
        return
    host, _, port = scheduler.partition("://")[2].rpartition(":")
    known = scheduler.startswith(SCHEMES) and host and port.isascii() and port.isdigit()
    if not known or not 0 < int(port) < 2**16:
        raise ValueError(f"scheduler={scheduler!r}, needs an address such as tcp://host:8786")


def backend_for(scheduler: str | None, *, jobs: int) -> Backend:
    """Return the cluster of a scheduler, or ``jobs`` processes of this machine.

    Raises ValueError for jobs < 1, for an address that is none, and for a cluster that cannot be
    reached or that has another version of the code.
    """
    require_scheduler(scheduler)
    if scheduler is None:
        return Processes(jobs)
    from lpfl.sweep.backends.cluster import Cluster

    cluster = Cluster(scheduler)
    cluster.check()
    return cluster
