"""Tasks on a few processes: none outlives its parent, and a lost one costs its task alone."""

import importlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from lpfl.lifeline import no_signals, work

WARM = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
"""How processes start: forked from one that has imported what they need, where that exists.

That one is the caller itself if it runs on Linux and has a single thread, as ``lpfl`` does: then
nothing is imported twice. Beside other threads, whose locks a fork would copy, it is a server.
"""
GRACE = 0.3
"""Seconds between the death of a worker and the verdict that it was lost: a signal to the whole
group reaches the parent too, and then the run is interrupted, not its task lost."""
ATTEMPTS = 3
"""How often a long run tries a task whose worker ends: what was no fault of the task is redone."""


@dataclass(frozen=True)
class Lost:
    """A task without an answer: its process ended, or (raised) its function raised."""

    reason: str
    raised: bool = False


@dataclass(frozen=True)
class Call:
    """A function by name, so that a worker imports it only after it holds on to its parent."""

    module: str
    name: str

    def call(self, *task: Any) -> Any:
        """Import and call the function; return :class:`Lost` if that raises."""
        try:
            return getattr(importlib.import_module(self.module), self.name)(*task)
        except Exception as error:
            return Lost(f"{type(error).__name__}: {error}", raised=True)


@dataclass
class Errand:
    """A task, and how often it may still be tried."""

    task: tuple[Any, ...]
    left: int


@dataclass
class Worker:
    """A process, our end of its pipe, and what it is at."""

    process: Any
    pipe: Connection
    errand: Errand


def on_processes(
    function: Callable[..., Any],
    tasks: Iterable[tuple[Any, ...]],
    *,
    jobs: int,
    method: str = WARM,
    preload: Sequence[str] = (),
    fresh: bool = False,
    attempts: int = 1,
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield ``(task, function(*task))`` in the order of completion, or :class:`Lost`.

    function: a module-level one. preload: modules that the processes share from their start.
    fresh: give every task a process of its own. attempts: how often a task is tried whose process
    ends; only the last end makes it lost.
    Closing the iterator, or an exception in it, ends all processes at once.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the processes: one thread in each
    context = _context(method, preload)
    new = (Errand(task, attempts) for task in tasks)
    again: list[Errand] = []
    workers: list[Worker] = []
    call = Call(function.__module__, function.__name__)

    def next_errand() -> Errand | None:
        return again.pop() if again else next(new, None)

    try:
        while True:
            while len(workers) < jobs and (errand := next_errand()) is not None:
                with no_signals():  # a process that is not in the list is never ended
                    workers.append(_started(context, call, errand))
            if not workers:
                return
            ready = wait([worker.pipe for worker in workers])
            for worker in [w for w in workers if w.pipe in ready]:
                done, answer = worker.errand, _answer(worker)
                lost = isinstance(answer, Lost) and not answer.raised
                following = None if lost or fresh else next_errand()
                if following is None:
                    with no_signals():
                        workers.remove(worker)
                        _end(worker)
                else:
                    _give(worker, following)
                if lost and done.left > 1:
                    again.append(Errand(done.task, done.left - 1))
                else:
                    yield done.task, answer
    finally:
        with no_signals():
            for worker in workers:
                _end(worker)


def _context(method: str, preload: Sequence[str]) -> Any:
    """Return how processes start, with what they share loaded."""
    if method == "forkserver" and sys.platform.startswith("linux"):
        for name in preload:
            importlib.import_module(name)
        if len(list(Path("/proc/self/task").iterdir())) == 1:
            return multiprocessing.get_context("fork")
    context: Any = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(list(preload))
    return context


def _started(context: Any, call: Call, errand: Errand) -> Worker:
    here, there = context.Pipe()
    parent = os.getpid() if context.get_start_method() == "fork" else None
    process = context.Process(target=work, args=(call, there, parent), daemon=True)
    process.start()
    there.close()
    worker = Worker(process, here, errand)
    _give(worker, errand)
    return worker


def _give(worker: Worker, errand: Errand) -> None:
    worker.errand = errand
    try:
        worker.pipe.send(errand.task)
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
