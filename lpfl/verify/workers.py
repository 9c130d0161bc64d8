"""Tasks on a few processes: none outlives its parent, and a lost one costs its task alone."""

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from lpfl.verify.lifeline import work

WARM = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
"""How processes start: forked from one that has imported what they need, where that exists."""
GRACE = 0.3
"""Seconds between the death of a worker and the verdict that it was lost: a signal to the whole
group reaches the parent too, and then the run is interrupted, not its task lost."""


@dataclass(frozen=True)
class Lost:
    """A task whose process ended before it answered."""

    reason: str


@dataclass(frozen=True)
class Call:
    """A function by name, so that a worker imports it only after it holds on to its parent."""

    module: str
    name: str

    def call(self, *task: Any) -> Any:
        """Import and call the function."""
        from importlib import import_module

        return getattr(import_module(self.module), self.name)(*task)


@dataclass
class Worker:
    """A process, our end of its pipe, and the task it is at (None: it has none)."""

    process: Any
    pipe: Connection
    task: tuple[Any, ...] | None = None


def on_processes(
    function: Callable[..., Any],
    tasks: Sequence[tuple[Any, ...]],
    *,
    jobs: int,
    method: str = WARM,
    preload: Sequence[str] = (),
    fresh: bool = False,
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield ``(task, function(*task))`` in the order of completion; :class:`Lost` for a dead one.

    function: a module-level one. preload: modules that the processes share from their start.
    fresh: give every task a process of its own.
    Closing the iterator, or an exception in it, ends all processes at once.
    """
    context: Any = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(list(preload))
    waiting = list(reversed(tasks))
    workers: list[Worker] = []
    call = Call(function.__module__, function.__name__)
    try:
        while waiting or workers:
            while waiting and len(workers) < jobs:
                workers.append(_started(context, call))
                _give(workers[-1], waiting)
            ready = wait([worker.pipe for worker in workers])
            for worker in [w for w in workers if w.pipe in ready]:
                task, answer = worker.task, _answer(worker)
                if isinstance(answer, Lost) or not waiting or fresh:
                    workers.remove(worker)
                    _end(worker)
                else:
                    _give(worker, waiting)
                if task is not None:
                    yield task, answer
    finally:
        for worker in workers:
            _end(worker)


def _started(context: Any, call: Call) -> Worker:
    here, there = context.Pipe()
    process = context.Process(target=work, args=(call, there), daemon=True)
    process.start()
    there.close()
    return Worker(process, here)


def _give(worker: Worker, waiting: list[tuple[Any, ...]]) -> None:
    worker.task = waiting.pop()
    try:
        worker.pipe.send(worker.task)
    except OSError:
        return  # it has just died: its end of the pipe says so


def _answer(worker: Worker) -> Any:
    try:
        return worker.pipe.recv()
    except (EOFError, OSError):
        time.sleep(GRACE)
        worker.process.join(1.0)
        return Lost(_death(worker.process.exitcode))


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        known = {one.value: one.name for one in signal.Signals}
        by = known.get(-code, f"signal {-code}")
        memory = "; memory may have run out" if by == "SIGKILL" else ""
        return f"the worker process was ended by {by}{memory}"
    return f"the worker process ended with code {code}"


def _end(worker: Worker) -> None:
    worker.pipe.close()
    worker.process.kill()
    worker.process.join()
    worker.process.close()
