"""``lpfl gate``: judge a results file, absolutely and against a baseline."""

import argparse
import os
from pathlib import Path
from typing import Any

SAYS = "judge a results file against bounds and a baseline"
EXITS = (
    "exit codes: 0 ok; 1 refuted, error or regression; 2 usage; 3 inconclusive under --strict; "
    "4 missing or stale baseline"
)


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("gate", help=SAYS, description=SAYS, epilog=EXITS)
    parser.add_argument("results", help="a results.jsonl")
    parser.add_argument("--baseline", default="reports/baseline.json", help="committed baseline")
    parser.add_argument("--strict", action="store_true", help="inconclusive claims fail (exit 3)")
    parser.add_argument("--effect", type=float, help="loss of margin let through (default 0.1)")
    parser.add_argument("--junit", metavar="PATH", help="also write JUnit XML")
    parser.add_argument("--summary", metavar="PATH", help="also append a Markdown summary")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the gate's table; return its exit code."""
    from lpfl.results.baseline import read_baseline
    from lpfl.results.gate import DEFAULT_EFFECT, gate
    from lpfl.results.outputs import to_annotations, to_junit, to_markdown, to_text
    from lpfl.results.store import read_results, write_atomically

    effect = DEFAULT_EFFECT if args.effect is None else args.effect
    report = gate(
        read_results(args.results), read_baseline(args.baseline), strict=args.strict, effect=effect
    )
    print(to_text(report))
    if args.junit is not None:
        write_atomically(Path(args.junit), to_junit(report))
    summary = args.summary or os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(to_markdown(report))
        except OSError as error:
            raise ValueError(f"summary={summary} cannot be written: {error}") from None
    if os.environ.get("GITHUB_ACTIONS") == "true":
        print(to_annotations(report))
    return int(report.exit_code)
