"""``lpfl compare``: what changed between two results files."""

import argparse
from typing import Any

from lpfl.commands.terminal import harmless, say

SAYS = "show the claims whose verdict or margin changed between two results files"

EXITS = "exit codes: 0 compared, whatever changed; 2 a file cannot be read"


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("compare", help=SAYS, description=SAYS, epilog=EXITS)
    parser.add_argument("a", help="a results.jsonl")
    parser.add_argument("b", help="another results.jsonl")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the changes; differences in how the runs were made go to stderr."""
    from lpfl.results.compare import compare, differences_of_origin, to_json, to_text
    from lpfl.results.store import read_results

    a, b = read_results(args.a), read_results(args.b)
    for line in differences_of_origin(a, b):
        say(harmless(line))
    rows = compare(a, b)
    print(to_json(rows) if args.json else to_text(rows))
    return 0
