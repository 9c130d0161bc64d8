"""``lpfl history``: how statements fared in the runs kept here."""

import argparse
import json
from collections.abc import Sequence
from typing import Any

from lpfl.commands.parts.frame import add_command
from lpfl.commands.parts.run_file import folder_path
from lpfl.commands.parts.terminal import print_json, say
from lpfl.harmless import harmless

SAYS = "show how statements fared in the runs of a folder"
BARS = "▁▂▃▄▅▆▇█"
MOST_RUNS = 30
EPILOG = """\
examples:
  lpfl history                    one line a statement: verdicts so far, trend of its margin
  lpfl history LR-08              one line a run
  lpfl history --runs artifacts   the runs in another folder

An index is kept in the folder (.index.sqlite); it is built again when it is removed.

exit codes: 0 shown; 2 no such folder, or no run of the statement in it"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "history", run, says=SAYS, epilog=EPILOG)
    parser.add_argument("claim", nargs="?", help="show the runs of this statement")
    parser.add_argument("--runs", default="reports/runs", metavar="DIR", help="folder of the runs")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print the table; files that could not be read are named on stderr."""
    from dataclasses import asdict

    from lpfl.results.history import history
    from lpfl.verify.selection import select_claims

    entries, problems = history(folder_path("runs", args.runs))
    if not entries:
        unread = f": {len(problems)} cannot be read, such as {problems[0]}" if problems else ""
        raise ValueError(f"runs={args.runs} holds no run, needs one: lpfl verify{unread}")
    for problem in problems:
        say(harmless(problem))
    if args.claim is not None:
        known = list(dict.fromkeys(entry.claim for entry in entries))
        names = select_claims(args.claim, known)
        entries = [entry for entry in entries if entry.claim in names]
    if args.json:
        print_json(json.dumps([asdict(entry) for entry in entries], indent=1))
    elif args.claim is None:
        print(overview(entries))
    else:
        print(in_detail(entries))
    return 0


def overview(entries: Sequence[Any]) -> str:
    """Return one line a statement."""
    from tabulate import tabulate

    rows = []
    for name in sorted({entry.claim for entry in entries}):
        own = [entry for entry in entries if entry.claim == name]
        margins = [entry.margin for entry in own[-MOST_RUNS:]]
        rows.append(
            (
                harmless(name),
                len(own),
                harmless(own[-1].verdict),
                _number(own[-1].margin),
                trend(margins),
            )
        )
    headers = ("claim", "runs", "last verdict", "last margin", "trend")
    return tabulate(rows, headers=headers, disable_numparse=True)


def in_detail(entries: Sequence[Any]) -> str:
    """Return one line a run, oldest first."""
    from tabulate import tabulate

    rows = [
        [
            harmless(str(value))
            for value in (
                e.claim,
                e.started,
                e.profile,
                e.seed,
                e.device,
                e.dtype,
                e.version,
                e.verdict,
                _number(e.margin),
                e.run,
            )
        ]
        for e in entries
    ]
    headers = ("claim", "started", "profile", "seed", "device", "dtype", "lpfl", "verdict",
               "margin", "run")  # fmt: skip
    return tabulate(rows, headers=headers, disable_numparse=True)


def trend(margins: Sequence[float | None]) -> str:
    """Return one bar a run: its margin between the smallest and the largest; a dot for none."""
    known = [m for m in margins if m is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    step = (high - low) or 1.0
    return "".join(
        "·" if m is None else BARS[min(int((m - low) / step * len(BARS)), len(BARS) - 1)]
        for m in margins
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
