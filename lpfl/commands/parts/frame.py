"""What all commands have in common: name, words, examples and exit codes, and what runs."""

import argparse
from collections.abc import Callable
from typing import Any


def add_command(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    says: str,
    epilog: str,
) -> argparse.ArgumentParser:
    """Return the parser of a new command. epilog: examples and exit codes, printed as written."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=says,
        description=says,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser
