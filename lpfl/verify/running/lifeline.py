"""The first lines of a worker: it leaves signals to its parent, and ends when its parent ends.

Importing this module is light: nothing must come between the start and these lines.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing.connection import Connection, wait
from typing import Any

PR_SET_PDEATHSIG = 1
LEFT_TO_THE_PARENT = ("SIGINT", "SIGTERM", "SIGHUP")


def work(function: Any, orders: Connection) -> None:
    """Answer orders until the parent closes its end: ``function(*task)`` for each task."""
    hold_on_to_parent()
    try:
        while True:
            task = orders.recv()
            orders.send(function.call(*task))
    except (EOFError, OSError):
        return


def hold_on_to_parent() -> None:
    """Ignore what the terminal sends to all processes; end with the parent at the latest."""
    for name in LEFT_TO_THE_PARENT:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
    os._exit(1)
