"""``lpfl report``: build the page from results files."""

import argparse
from typing import Any

SAYS = "build the HTML page from a results file"


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("report", help=SAYS, description=SAYS)
    parser.add_argument("results", help="a results.jsonl, complete or not")
    parser.add_argument("--out", default="report.html", help="page to write")
    parser.add_argument(
        "--repository",
        default="",
        help="address of the source tree, for links from claims",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the page."""
    from lpfl.results.output_path import output_path
    from lpfl.results.store import read_results
    from lpfl.verify.running.run_page import write_run_page

    out = output_path("out", args.out, (args.results,))
    write_run_page(out, read_results(args.results), repository=args.repository)
    print(f"page: {args.out}")
    return 0
