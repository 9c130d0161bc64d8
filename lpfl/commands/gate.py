"""``lpfl gate``: judge a results file, absolutely and against a baseline."""

import argparse
import os
from pathlib import Path
from typing import Any

from lpfl.commands.parts.frame import add_command
from lpfl.commands.parts.run_file import results_file
from lpfl.commands.parts.terminal import say, tell
from lpfl.harmless import harmless

SAYS = "judge a results file against bounds and a baseline"
DEFAULT_RESULTS, DEFAULT_BASELINE = "reports/latest/results.jsonl", "reports/baseline.json"
EPILOG = """\
examples:
  lpfl gate                                     the newest run against reports/baseline.json
  lpfl gate --claims 'LR-*' --confirm           a regression is looked at again before it counts
  lpfl gate run.jsonl --junit gate.xml          for a CI system
  lpfl gate --update-baseline                   if the gate passes, this run is the next baseline

exit codes: 0 ok; 1 refuted, error or regression; 2 usage; 3 inconclusive under --strict;
4 missing or stale baseline"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "gate", run, says=SAYS, epilog=EPILOG)
    parser.add_argument(
        "results",
        nargs="?",
        type=results_file,
        default=DEFAULT_RESULTS,
        help=f"a results.jsonl, or the folder of a run (default {DEFAULT_RESULTS})",
    )
    parser.add_argument("--baseline", default=DEFAULT_BASELINE, help=f"default {DEFAULT_BASELINE}")
    parser.add_argument(
        "--claims", metavar="PATTERN", help="judge these only: comma-separated ids or patterns"
    )
    parser.add_argument("--strict", action="store_true", help="inconclusive claims fail (exit 3)")
    parser.add_argument("--effect", type=float, help="loss of margin let through (default 0.1)")
    parser.add_argument(
        "--confirm", action="store_true", help="run a regressed claim again before it counts"
    )
    parser.add_argument(
        "--update-baseline",
        action="store_true",
        help="write the results as the new baseline unless a claim failed",
    )
    parser.add_argument("--junit", metavar="PATH", help="also write JUnit XML")
    parser.add_argument("--summary", metavar="PATH", help="also append a Markdown summary")


def run(args: argparse.Namespace) -> int:
    """Print the gate's table; return its exit code."""
    from lpfl.results.baseline import make_baseline, read_baseline, write_baseline
    from lpfl.results.gate import DEFAULT_EFFECT, gate
    from lpfl.results.narrow import narrowed, narrowed_baseline
    from lpfl.results.output_path import output_path
    from lpfl.results.outputs import to_annotations, to_junit, to_markdown, to_text
    from lpfl.results.store import read_results, write_atomically

    inputs = (args.results, args.baseline)
    junit = None if args.junit is None else output_path("junit", args.junit, inputs)
    summary = (
        None
        if args.summary is None
        else output_path("summary", args.summary, (*inputs, args.junit or ""))
    )
    if args.update_baseline:
        if args.claims is not None:
            raise ValueError("update-baseline and claims exclude each other: all claims are kept")
        output_path("baseline", args.baseline, (args.results,))
    results, baseline = read_results(args.results), read_baseline(args.baseline)
    if args.claims is not None:
        from lpfl.verify.selection import select_claims

        names = select_claims(args.claims, results.header["claims"])
        results = narrowed(results, names)
        baseline = None if baseline is None else narrowed_baseline(baseline, names)
    effect = DEFAULT_EFFECT if args.effect is None else args.effect
    report = gate(results, baseline, strict=args.strict, effect=effect, where=args.baseline)
    if args.confirm and baseline is not None and any(r.status == "regression" for r in report.rows):
        from lpfl.verify.running.confirm import confirmed

        report = confirmed(report, results, baseline)
    print(to_text(report))
    if junit is not None:
        write_atomically(junit, to_junit(report))
    step_summary = os.environ.get("GITHUB_STEP_SUMMARY")
    for path in (summary, Path(step_summary) if step_summary and summary is None else None):
        if path is not None:
            _append(path, to_markdown(report))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        print(to_annotations(report))
    if args.update_baseline:
        if any(row.failed for row in report.rows):
            say(harmless(f"{args.baseline} is not updated: a claim failed"))
            return int(report.exit_code)
        write_baseline(args.baseline, make_baseline(results))
        tell("baseline:", args.baseline)
        return 0
    return int(report.exit_code)


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        reason = error.strerror or error
        raise ValueError(f"summary={path} cannot be written: {reason}") from None
