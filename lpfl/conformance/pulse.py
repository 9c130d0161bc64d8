"""What a judged process tells its parent: answers, and a count of steps.

The count tells a slow check from a hanging step.

Steps of the references count too: a judge that goes through many readings hangs no optimizer.
"""

import json
import mmap
import os
import select
import struct
import time
from collections.abc import Iterator, Sequence
from typing import Any

PATIENCE = 10
"""A check whose optimizer goes on stepping gets this many times its seconds."""
HANGS, SLOW = "finishes no step", "is not done with this check after"
_FORMAT = struct.Struct("q")
_shared: mmap.mmap | None = None


def share() -> None:
    """Start a counter in memory that forked processes share with this one."""
    global _shared
    _shared = mmap.mmap(-1, _FORMAT.size)


def beat() -> None:
    """Count one step, or one evaluation of a closure."""
    if _shared is not None:
        _FORMAT.pack_into(_shared, 0, beats() + 1)


def beats() -> int:
    """Return how many steps were counted since ``share``."""
    return 0 if _shared is None else int(_FORMAT.unpack_from(_shared, 0)[0])


def events(read: int, seconds: Sequence[float]) -> Iterator[dict[str, Any] | str]:
    """Yield the child's events; a text once, if it hangs or is too slow; end when it is done.

    While the count of steps grows, the check is slow, not hanging, and gets more time.
    """
    rest, done = b"", 0
    begun = time.monotonic()
    deadline, seen = begun + seconds[0], beats()
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([read], [], [], left)[0]:
            if beats() == seen:
                yield f"{HANGS} in {seconds[done]:g} s"
                return
            if deadline - begun >= PATIENCE * seconds[done]:
                yield f"{SLOW} {deadline - begun:g} s"
                return
            deadline, seen = deadline + seconds[done], beats()
            continue
        piece = os.read(read, 65536)
        if not piece:
            return
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            event = json.loads(line)
            done += "results" in event
            if done < len(seconds):
                begun = time.monotonic()
                deadline, seen = begun + seconds[done], beats()
            yield event
