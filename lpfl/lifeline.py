"""The first lines of a worker: it leaves signals to its parent, and ends when its parent ends.

Importing this module is light: nothing must come between the start and these lines.
"""

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any

PR_SET_PDEATHSIG = 1
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt in the GNU C library
KEPT, MAPPED = 2**28, 2**25  # bytes: freed memory kept, least block that is mapped on its own
LEFT_TO_THE_PARENT = ("SIGINT", "SIGTERM", "SIGHUP")


def work(function: Any, orders: Connection, parent: int | None = None) -> None:
    """Answer orders until the parent closes its end: ``function(*task)`` for each task.

    parent: the process that this one was forked from, if it was forked.
    """
    hold_on_to_parent(parent)
    keep_memory()
    gc.freeze()  # what was there before the work need not be looked through again and again
    try:
        while True:
            task = orders.recv()
            orders.send(function.call(*task))
    except (EOFError, OSError):
        return


def hold_on_to_parent(parent: int | None = None) -> None:
    """Ignore what the terminal sends to all processes; end with the parent at the latest."""
    for number in signals():
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals())
    end_with(parent)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def end_with(parent: int | None) -> None:
    """Have the system end this process with its parent, where the system can (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def was_killed(child: int) -> bool:
    """Say whether a child that is at its end was killed by SIGKILL; it stays to be waited for.

    A crash of its own is another signal. Where the system cannot tell (macOS), the answer is no.
    """
    if not hasattr(os, "waitid"):
        return False
    until = time.monotonic() + 1.0
    while (end := os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT | os.WNOHANG)) is None:
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return end.si_code == os.CLD_KILLED and end.si_status == signal.SIGKILL


def keep_memory() -> None:
    """Keep freed memory instead of giving it back, where the system can: it is asked for again.

    Without it every tensor of a megabyte is new pages, which the system clears first.
    """
    if sys.platform.startswith("linux"):
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(M_TRIM_THRESHOLD, KEPT)
            mallopt(M_MMAP_THRESHOLD, MAPPED)


@contextmanager
def no_signals() -> Iterator[None]:
    """Let signals wait while a process starts, so that none reaches it before it ignores them.

    Blocked in this thread, a signal may reach another one, and Python then calls its handler in
    the main thread all the same. So handlers wait too.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    came: list[int] = []
    handlers: dict[int, Any] = {}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signals())
    try:
        if threading.current_thread() is threading.main_thread():
            for number in signals():
                if callable(signal.getsignal(number)):
                    handlers[number] = signal.signal(number, lambda one, _: came.append(one))
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


def signals() -> set[int]:
    """Return the signals that workers leave to their parent."""
    return {getattr(signal, name) for name in LEFT_TO_THE_PARENT if hasattr(signal, name)}


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
    os._exit(1)
