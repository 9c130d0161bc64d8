"""Functions that tests send to workers."""

import os
import time
from typing import Any


def square(number: int, seconds: float = 0.0) -> dict[str, Any]:
    """Return the square and the process."""
    time.sleep(seconds)
    return {"square": number * number, "process": os.getpid()}


def deadly(number: int) -> int:
    """End the process at 3."""
    if number == 3:
        os._exit(7)
    return number


def raising(number: int) -> int:
    """Raise at 1."""
    if number == 1:
        raise ValueError("one is refused")
    return number
