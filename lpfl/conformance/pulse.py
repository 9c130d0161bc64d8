"""A count of steps that the parent process reads: it tells a slow check from a hanging step.

Steps of the references count too: a judge that goes through many readings hangs no optimizer.
"""

import mmap
import struct

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
