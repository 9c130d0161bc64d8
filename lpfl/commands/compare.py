"""``lpfl compare``: what changed between results files."""

import argparse
from typing import Any

from lpfl.commands.parts.frame import add_command
from lpfl.commands.parts.run_file import results_file
from lpfl.commands.parts.terminal import print_json, say, tell
from lpfl.harmless import harmless, harmless_lines

SAYS = "show the claims whose verdict or margin changed between results files"

EPILOG = """\
examples:
  lpfl compare reports/runs/A reports/latest              the folders of two runs
  lpfl compare old.jsonl new.jsonl                        a table
  lpfl compare old.jsonl new.jsonl --html changes.html    a page
  lpfl compare a.jsonl b.jsonl c.jsonl --html runs.html   each run against the first, on a page

What a change means: significant (beyond noise, at 1 % over all statements), within noise, rounding,
or other scenarios (the runs drew different ones, and nothing is random within them).

exit codes: 0 compared, whatever changed; 2 a file cannot be read"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "compare", run, says=SAYS, epilog=EPILOG)
    parser.add_argument("a", type=results_file, help="a results.jsonl, or the folder of a run")
    parser.add_argument("b", type=results_file, help="another one")
    parser.add_argument("more", nargs="*", type=results_file, help="further ones, with --html")
    parser.add_argument("--html", metavar="FILE", help="write a page instead of a table")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print the changes, or write their page; differences of origin go to stderr."""
    from lpfl.results.compare import compare, differences_of_origin, to_json, to_text
    from lpfl.results.store import read_results

    if args.more and args.html is None:
        raise ValueError(f"{2 + len(args.more)} results without --html, needs 2 of them, or a page")
    if args.json and args.html is not None:
        raise ValueError("json=True with --html, needs one of them")
    names = [args.a, args.b, *args.more]
    if args.html is not None:
        from lpfl.report.overview.compare import build_comparison
        from lpfl.report.overview.index import way_to_index
        from lpfl.report.page import write_page
        from lpfl.results.output_path import output_path

        out = output_path("html", args.html, tuple(names))
        runs = [(name, read_results(name)) for name in names]
        write_page(out, build_comparison(runs, elsewhere=way_to_index(out)))
        tell("page:", args.html)
        return 0
    a, b = (read_results(name) for name in names)
    for line in differences_of_origin(a, b):
        say(harmless(line))
    rows = compare(a, b)
    if args.json:
        print_json(to_json(rows))
    else:
        print(harmless_lines(to_text(rows)))
    return 0
