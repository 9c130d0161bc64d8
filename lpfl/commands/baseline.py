"""``lpfl baseline``: turn a results file into the baseline to commit."""

import argparse
from typing import Any

from lpfl.commands.parts.frame import add_command
from lpfl.commands.parts.run_file import results_file
from lpfl.commands.parts.terminal import tell

SAYS = "make the baseline of a results file"
EPILOG = """\
examples:
  lpfl verify && lpfl baseline reports/latest/results.jsonl
  lpfl baseline run.jsonl --out base.json

exit codes: 0 written; 2 the run is incomplete or no run, or the file cannot be written"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "baseline", run, says=SAYS, epilog=EPILOG)
    parser.add_argument(
        "results", type=results_file, help="a complete results.jsonl, or the folder of a run"
    )
    parser.add_argument("--out", default="reports/baseline.json", help="file to write")


def run(args: argparse.Namespace) -> int:
    """Write the baseline."""
    from lpfl.results.baseline import make_baseline, write_baseline
    from lpfl.results.output_path import output_path
    from lpfl.results.store import read_results

    out = output_path("out", args.out, (args.results,))
    write_baseline(out, make_baseline(read_results(args.results)))
    tell("baseline:", args.out)
    return 0
