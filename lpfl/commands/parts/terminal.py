"""Words for people on stderr, and paths and JSON on stdout."""

import sys
from pathlib import Path

from lpfl.harmless import harmless, harmless_json, harmless_lines


def say(line: str) -> None:
    """Print a line, or a few, on stderr; a closed or full stderr does not end a run."""
    if sys.stderr is None:
        return
    try:
        print(harmless_lines(line), file=sys.stderr, flush=True)
    except OSError:
        return


def tell(what: str, path: str | Path) -> None:
    """Print where something lies; the name of a file is text from outside too."""
    print(harmless(f"{what} {path}"))


def print_json(text: str) -> None:
    """Print JSON; no text in it gives an order to the log of a CI system."""
    print(harmless_json(text))
