"""Tasks on a Dask cluster: orders and answers are JSON text, a lost worker's tasks run elsewhere.

What Dask itself does stays with Dask: it moves tasks from a worker that died to another one, and
gives up on a task that has ended several workers (``distributed.scheduler.allowed-failures``, 3).
"""

import json
import logging
import queue
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any
from uuid import uuid4

from lpfl.sweep.backends.orders import difference, obey, order, standing
from lpfl.verify.running.workers import Lost

Task = tuple[Any, ...]
PER_THREAD = 4
"""Orders at the cluster for each of its threads, so that no worker waits for the next one."""
LOOK = 1.0
"""Seconds between two looks at whether the cluster is still there."""


@dataclass(frozen=True)
class Cluster:
    """Answers tasks on the workers of the scheduler at ``address``.

    timeout: seconds to reach it, and to wait for its first worker. patience: seconds that it may
    be without any worker later.
    """

    address: str
    timeout: float = 30.0
    patience: float = 60.0

    def check(self) -> None:
        """Raise ValueError if the cluster cannot be reached, is empty, or has other versions."""
        with self._client() as client:
            with self._trouble("has 0 workers, needs >= 1"):
                client.wait_for_workers(1, timeout=self.timeout)
            with self._trouble("has a worker that cannot answer"):
                found = client.run(standing, on_error="return")
            for worker, there in found.items():
                if isinstance(there, BaseException):
                    raise ValueError(f"worker {worker} cannot run lpfl: {_words(there)}")
                self._agree(worker, difference(standing(), there))

    def answers(
        self, function: Callable[..., Any], tasks: Iterable[Task], *, preload: Sequence[str] = ()
    ) -> Iterator[tuple[Task, Any]]:
        """Yield the answers in the order of completion; at most a few per thread are on the way.

        Raises ValueError if the scheduler is lost, or has had no worker for ``patience`` seconds.
        """
        with self._client() as client:
            yield from _Traffic(self, client, function).answers(iter(tasks))

    @contextmanager
    def _client(self) -> Iterator[Any]:
        try:
            from distributed import Client
        except ImportError as error:
            raise ValueError(
                f"scheduler={self.address} needs the extra `cluster` ({error}): "
                "pip install 'lpfl[cluster]'"
            ) from None
        _quiet("distributed")
        with self._trouble("cannot be reached"):
            client = Client(self.address, timeout=self.timeout, set_as_default=False)
        try:
            yield client
        finally:
            with suppress(Exception):
                client.close(timeout=self.timeout)

    @contextmanager
    def _trouble(self, what: str) -> Iterator[None]:
        try:
            yield
        except (OSError, TimeoutError, ValueError, RuntimeError) as error:
            raise ValueError(f"scheduler={self.address} {what}: {_words(error)}") from None

    def _agree(self, worker: str, differs: str) -> None:
        if differs:
            raise ValueError(f"worker {worker} {differs}: needs the same versions and code")


class _Traffic:
    """The orders that are on their way, and what became of them.

    A worker that ends takes blame on all orders that it held. So an order that Dask gave up on is
    sent once more at the end, alone: only then it is lost.
    """

    def __init__(self, cluster: Cluster, client: Any, function: Callable[..., Any]) -> None:
        self.cluster, self.client, self.function = cluster, client, function
        self.name = f"lpfl-{uuid4().hex[:12]}"
        self.number = 0
        self.flying: dict[Any, Task] = {}
        self.landed: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.suspects: list[Task] = []
        self.alone = False
        self.seen_worker = monotonic()

    def answers(self, tasks: Iterator[Task]) -> Iterator[tuple[Task, Any]]:
        try:
            while True:
                room = self._threads() * PER_THREAD - len(self.flying)
                for _ in range(room):
                    if (task := next(tasks, None)) is None:
                        break
                    self._send(task)
                if not self.flying:
                    if not self.suspects:
                        return
                    self.alone = True
                    self._send(self.suspects.pop(0))
                yield from self._collected()
        finally:
            with suppress(Exception):
                self.client.cancel(list(self.flying), force=True)

    def _threads(self) -> int:
        """Return how many threads the cluster has now, at least 1."""
        with self.cluster._trouble("is lost; what is done is kept"):
            known = self.client.nthreads()
        if known:
            self.seen_worker = monotonic()
        elif monotonic() - self.seen_worker > self.cluster.patience:
            raise ValueError(
                f"scheduler={self.cluster.address} has had 0 workers for "
                f"{self.cluster.patience:g} s; what is done is kept"
            )
        return max(1, sum(known.values()))

    def _send(self, task: Task) -> None:
        self.number += 1
        key = f"{self.name}-{self.number}"
        future = self.client.submit(obey, order(self.function, task), key=key, pure=False)
        self.flying[future] = task
        future.add_done_callback(self.landed.put)

    def _collected(self) -> Iterator[tuple[Task, Any]]:
        """Yield the answers that are there; wait a little for the first."""
        with suppress(queue.Empty):
            ready = [self.landed.get(timeout=LOOK)]
            with suppress(queue.Empty):
                while True:
                    ready.append(self.landed.get_nowait())
            states = {future: future.status for future in ready}
            whole = [future for future, state in states.items() if state == "finished"]
            with self.cluster._trouble("is lost; what is done is kept"):
                texts = dict(zip(whole, self.client.gather(whole), strict=True))
            for future, state in states.items():
                if state == "pending":  # its answer was lost with its worker, and is on its way
                    future.add_done_callback(self.landed.put)
                    continue
                task = self.flying.pop(future)
                if future in texts:
                    yield task, self._understood(texts[future])
                    continue
                lost = self._failed(future, state)
                if self.alone:
                    yield task, lost
                else:
                    self.suspects.append(task)

    def _understood(self, text: str) -> Any:
        said = json.loads(text)
        if "refused" in said:
            self.cluster._agree("of the cluster", said["refused"])
        return Lost(said["raised"], raised=True) if "raised" in said else said["answer"]

    def _failed(self, future: Any, state: str) -> Lost:
        """Return why an order failed whose state was seen: by now it may be another."""
        from distributed.scheduler import KilledWorker

        error = future.exception() if state == "error" else None
        if isinstance(error, KilledWorker):
            return Lost(
                f"the task ended {error.allowed_failures + 1} workers; memory may have run out"
            )
        if state == "lost":
            return Lost("its answer was lost with the worker that held it")
        why = state if error is None else _words(error)
        raise ValueError(f"scheduler={self.cluster.address}: an order got no answer: {why}")


def _quiet(package: str) -> None:
    """Let a package log failures only: what is wrong with the cluster is said once, by us."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == package:
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
