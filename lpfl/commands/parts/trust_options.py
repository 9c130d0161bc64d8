"""What ``lpfl faults`` and ``lpfl calibrate`` share: options, progress, the end by a signal."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lpfl.commands.parts.interruption import exit_code_of, interruptible
from lpfl.commands.parts.run_file import folder_path
from lpfl.commands.parts.terminal import say


def add_options(parser: argparse.ArgumentParser, *, out: str, scenarios: int) -> None:
    """Add --scenarios, --jobs, --out and --json."""
    parser.add_argument(
        "--scenarios", type=int, default=scenarios, help=f"drawn per claim (default {scenarios})"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--out", default=out, metavar="DIR", help=f"folder (default {out})")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def require_counts(args: argparse.Namespace, **least: int) -> None:
    """Raise ValueError unless each named option is at least its bound."""
    for name, bound in least.items():
        value = getattr(args, name)
        if value < bound:
            raise ValueError(f"{name}={value}, needs >= {bound}")
    folder_path("out", args.out)


def resumable(work: Callable[[], int], command: str) -> int:
    """Run ``work``; on Ctrl-C or a signal say how to go on, and return the exit code."""
    try:
        with interruptible():
            return work()
    except KeyboardInterrupt as error:
        say(f"interrupted: what is done is kept; {command} with the same options goes on")
        return exit_code_of(error)


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically. Raises ValueError if the file cannot be written."""
    from lpfl.results.store import write_atomically

    write_atomically(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
