"""What is said of words that look like an unknown one."""

from collections.abc import Sequence


def did_you_mean(near: Sequence[str]) -> str:
    """Return the end of an error that names them, or nothing if there are none."""
    return f"; did you mean {' or '.join(near)}?" if near else ""
