"""Words for people on stderr, and text from files made harmless for a terminal."""

import re
import sys

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def say(line: str) -> None:
    """Print a line on stderr; a closed or full stderr does not end a run."""
    if sys.stderr is None:
        return
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        return


def harmless(text: str) -> str:
    """Return ``text`` on one line, control and direction marks replaced."""
    return CONTROLS.sub("\ufffd", text)
