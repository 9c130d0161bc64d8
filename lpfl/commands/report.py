"""``lpfl report``: build the page from results files."""

import argparse
from pathlib import Path
from typing import Any

SAYS = "build the HTML page from a results file"


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("report", help=SAYS, description=SAYS)
    parser.add_argument("results", help="a results.jsonl, complete or not")
    parser.add_argument("--out", default="report.html", help="page to write")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the page."""
    from lpfl.report.page import build_page, write_page
    from lpfl.results.store import read_results
    from theory.claims import CLAIMS
    from theory.core.notation import NOTATION

    results = read_results(args.results)
    write_page(Path(args.out), build_page(results, CLAIMS, notation=NOTATION))
    print(f"page: {args.out}")
    return 0
