"""Judge the whole catalogue on a pool of processes; no subject can end the run."""

import contextlib
import multiprocessing
import os
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from multiprocessing.connection import Connection, wait
from typing import Any

from lpfl.conformance.peers.package import Package
from lpfl.conformance.peers.worker import Settings, blank, judge_some, names_of
from lpfl.lifeline import no_signals

CHUNK = 6
PATIENCE = 600.0
"""Subjects judged by one process; seconds without a word after which it is ended."""
ATTEMPTS = 3
"""How often a subject is tried whose process is killed: by a person, or where memory runs out."""


@dataclass
class Task:
    """Some subjects of one package."""

    package: Package
    names: deque[str]
    killed: Counter[str] = field(default_factory=Counter)


@dataclass
class Worker:
    """A process at work on a task."""

    task: Task
    process: Any
    pipe: Connection
    heard: float = field(default_factory=time.monotonic)
    current: str = ""


def plan(packages: tuple[Package, ...], pattern: str) -> tuple[list[Task], list[dict[str, Any]]]:
    """Return the tasks, and the lines of packages that are missing or cannot be imported.

    pattern: comma-separated patterns on subject names or package names.
    Raises: ValueError for a pattern that matches nothing.
    """
    tasks: list[Task] = []
    lines: list[dict[str, Any]] = []
    wanted = [part.strip() for part in pattern.split(",") if part.strip()]
    for package in packages:
        names, reason = _names(package)
        if reason:
            if _matches(package.distribution, package, wanted):
                status = "not installed" if package.version() is None else "cannot be imported"
                lines.append(blank(package, package.distribution, status, reason))
            continue
        chosen = [name for name in names if _matches(name, package, wanted)]
        for first in range(0, len(chosen), CHUNK):
            tasks.append(Task(package, deque(chosen[first : first + CHUNK])))
    if not tasks and not lines:
        raise ValueError(f"subjects={pattern!r} matches nothing in the catalogue")
    return tasks, lines


def _matches(name: str, package: Package, wanted: list[str]) -> bool:
    names = (name, name.partition("[")[0], package.distribution)
    return any(fnmatchcase(n, part) or n == part for part in wanted for n in names)


def _names(package: Package) -> tuple[list[str], str]:
    if package.version() is None:
        return [], "the package is not installed"
    with no_signals():
        worker = _start(Task(package, deque()), names_of)
    try:
        kind, value = worker.pipe.recv() if worker.pipe.poll(PATIENCE) else ("broken", "hangs")
    except EOFError:
        kind, value = "broken", "its import ends the process"
    finally:
        _end(worker)
    return (list(value), "") if kind == "names" else ([], str(value))


def judge_all(
    tasks: list[Task],
    *,
    jobs: int = 1,
    settings: Settings | None = None,
    patience: float = PATIENCE,
) -> Iterator[dict[str, Any]]:
    """Judge the subjects of all tasks and yield one line each, as they end."""
    waiting = deque(tasks)
    working: list[Worker] = []
    try:
        while waiting or working:
            while waiting and len(working) < jobs:
                with no_signals():  # a process that is not in the list is never ended
                    working.append(_start(waiting.popleft(), judge_some, settings or Settings()))
            wait([worker.pipe for worker in working], timeout=1.0)
            for worker in list(working):
                yield from _listen(worker)
                line = _lost(worker, patience)
                if line is not None or not worker.process.is_alive():
                    yield from _listen(worker)
                    with no_signals():
                        working.remove(worker)
                        _end(worker)
                    yield from _gone(worker, line, waiting)
    finally:
        with no_signals():
            for worker in working:
                _end(worker)


def _gone(
    worker: Worker, line: dict[str, Any] | None, waiting: deque[Task]
) -> Iterator[dict[str, Any]]:
    """Account for a process that ended: its current subject, and those it never came to."""
    task, code = worker.task, worker.process.exitcode
    name = worker.current or (task.names.popleft() if line is None and task.names else "")
    if line is None and name:
        task.killed[name] += code == -signal.SIGKILL
        if code == -signal.SIGKILL and task.killed[name] < ATTEMPTS:
            task.names.appendleft(name)
        else:
            line = blank(task.package, name, "crashed", _death(code))
    if line is not None:
        yield line
    if task.names:
        waiting.append(task)


def _listen(worker: Worker) -> Iterator[dict[str, Any]]:
    try:
        while worker.pipe.poll():
            kind, value = worker.pipe.recv()
            worker.heard = time.monotonic()
            if kind == "start":
                worker.current = value
                worker.task.names.remove(value)
            else:
                worker.current = ""
                yield value
    except (EOFError, OSError):
        return


def _lost(worker: Worker, patience: float) -> dict[str, Any] | None:
    if time.monotonic() - worker.heard < patience or not worker.process.is_alive():
        return None
    name = worker.current or (worker.task.names.popleft() if worker.task.names else "?")
    worker.current = ""
    return blank(worker.task.package, name, "timed out", f"no word for {patience:.0f} s")


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        return f"the process was ended by signal {-code}"
    return f"the process ended with code {code}"


def _start(task: Task, target: Callable[..., None], *more: Any) -> Worker:
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    names = [] if target is names_of else [list(task.names)]
    process = context.Process(target=target, args=(task.package, *names, there, *more))
    process.start()
    there.close()
    return Worker(task, process, here)


def _end(worker: Worker) -> None:
    worker.process.join(0.5)
    if worker.process.is_alive():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.process.pid, signal.SIGKILL)
        worker.process.kill()
        worker.process.join()
    worker.pipe.close()
