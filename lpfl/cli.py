"""``lpfl``: the command line. Importing this module, and ``lpfl --help``, stays light."""

import argparse
import sys
from collections.abc import Sequence

from lpfl import __version__
from lpfl.commands import (
    baseline,
    check_optimizer,
    claims,
    compare,
    doctor,
    experiment,
    gate,
    report,
    survey,
    verify,
)

USAGE_ERROR = 2
COMMANDS = (
    verify,
    check_optimizer,
    survey,
    claims,
    report,
    gate,
    baseline,
    compare,
    experiment,
    doctor,
)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="lpfl",
        description="Does this optimizer learn features the way the theory says it must?",
    )
    parser.add_argument("--version", action="version", version=f"lpfl {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a ValueError about input is one line on stderr and exit code 2."""
    args = build_parser().parse_args(arguments)
    try:
        return int(args.run(args))
    except ValueError as error:
        print(f"lpfl {args.command}: error: {error}", file=sys.stderr)
        return USAGE_ERROR
    except BrokenPipeError:
        sys.stderr.close()
        return USAGE_ERROR


if __name__ == "__main__":
    sys.exit(main())
