"""``lpfl calibrate``: true statements with fresh seeds; how often a verdict errs or stays open."""

import argparse
import json
from pathlib import Path
from typing import Any

from lpfl.commands.parts.frame import add_command
from lpfl.commands.parts.places import add_scheduler, require_one_place
from lpfl.commands.parts.terminal import print_json, say
from lpfl.commands.parts.trust_options import add_options, require_counts, resumable, write_json
from lpfl.harmless import harmless

SAYS = "check true statements again with fresh seeds; count false alarms and open verdicts"
EPILOG = """\
examples:
  lpfl calibrate --runs 25                  25 fresh seeds of every claim
  lpfl calibrate --runs 100 --claims LR-11  100 of one
  lpfl calibrate --runs 25 --budget 4500    25 of the cheap ones, fewer of the others

The folder keeps what is done: more --runs add to it, and the same command goes on after an
interruption.
exit codes: 0 nothing was refuted; 1 something was; 2 bad input;
130 interrupted (129 and 143 by a signal)"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "calibrate", run, says=SAYS, epilog=EPILOG)
    parser.add_argument("--runs", type=int, default=25, help="fresh seeds per claim (default 25)")
    parser.add_argument(
        "--claims", default="*", metavar="PATTERN", help="comma-separated ids or 'LR-*' patterns"
    )
    parser.add_argument(
        "--budget",
        type=float,
        metavar="SECONDS",
        help="processor time for all; one run of each tells what a claim takes",
    )
    add_options(parser, out="reports/calibration", scenarios=2)
    add_scheduler(parser)


def run(args: argparse.Namespace) -> int:
    """Run the claims; 0 nothing refuted, 1 something was, 130 interrupted."""
    require_counts(args, runs=1, scenarios=1, jobs=1)
    if args.budget is not None and not 0.0 < args.budget < float("inf"):
        raise ValueError(f"budget={args.budget}, needs > 0 seconds")
    require_one_place(args, jobs_default=2)
    return resumable(lambda: calibrate(args), "lpfl calibrate")


def calibrate(args: argparse.Namespace) -> int:
    """Run, write calibration.json and say what was found."""
    from lpfl.environment import environment
    from lpfl.sweep.backends import backend_for
    from lpfl.trust.calibration import calibrate_once, calibration_tasks, runs_within, summary
    from lpfl.trust.environment import settings_of
    from lpfl.trust.figures import write_figures
    from lpfl.trust.journal import Journal
    from lpfl.trust.pool import answer_missing
    from lpfl.verify.registry import CHECKS
    from lpfl.verify.selection import select_claims

    claims = select_claims(args.claims, list(CHECKS))
    settings = settings_of("calibrate", scenarios=args.scenarios)
    backend = backend_for(args.scheduler, jobs=args.jobs)

    with Journal(args.out, "calibration", settings) as journal:

        def answered(runs: int, most: dict[str, int] | None = None) -> list[dict[str, Any]]:
            tasks = calibration_tasks(claims, runs=runs, scenarios=args.scenarios, most=most)
            return answer_missing(
                calibrate_once, journal, tasks, jobs=args.jobs, say=show_progress, backend=backend
            )

        most = None
        if args.budget is not None:
            first = {r["task"][0]: float(r.get("seconds", 0.0)) for r in answered(1)}
            most = runs_within(first, args.budget, args.runs)
        records = answered(args.runs, most)
        asked = {"runs": args.runs, "scenarios_each": args.scenarios, "budget": args.budget}
        found = {**environment(), "code": settings["code"], **asked, **summary(records)}
        write_json(Path(args.out) / "calibration.json", found)
        write_figures(Path(args.out), found)
    if args.json:
        print_json(json.dumps(found, indent=1))
    else:
        print(words(found))
    for record in records:
        for part, scenario, outcome in record.get("open", []):
            claim, seed, _ = record["task"]
            say(harmless(f"{outcome}: {claim}, {part}, seed {seed}, scenario {scenario}"))
        if "lost" in record:
            say(harmless(f"lost: {record['task']}: {record['lost']}"))
    return 1 if found["refuted"] else 0


def show_progress(record: dict[str, Any], number: int, total: int) -> None:
    """Print one line on stderr about a claim-run."""
    width = len(str(total))
    claim, seed, _ = record["task"]
    said = ", ".join(f"{n} {name}" for name, n in record.get("outcomes", {"lost": 1}).items())
    say(f"[{number:{width}}/{total}] {claim} seed {seed}: {said}")


def words(found: dict[str, Any]) -> str:
    """Return the result in a few lines."""

    def rate(name: str) -> str:
        low, high = found[f"{name}_interval"]
        return f"{found[name]} of {found['claim_runs']} ({100 * low:.2g} to {100 * high:.2g} %)"

    lines = [
        f"claim-runs        {found['claim_runs']} over {found['scenarios']} fresh scenarios, "
        f"{found['second_looks']} with a second look",
        f"refuted           {rate('refuted')}",
        f"inconclusive      {rate('inconclusive')}",
    ]
    if found["p_values"]:
        lines.append(
            f"exact laws        {found['exact_laws']} with {found['p_values']} p-values, smallest "
            f"{found['smallest_p_value']:.2g}; all uniform: p = {found['uniform']:.2g}"
        )
    means = found["intervals"]
    if means["count"]:
        lines.append(
            f"means             {means['reach_the_statement']} of {means['count']} intervals of "
            f"95 % reach the statement, {means['hold_the_prediction']} hold the prediction itself"
        )
    runs = sorted(sum(one.values()) for one in found["claims"].values())
    if runs and runs[0] < runs[-1]:
        lines.append(f"runs of a claim   {runs[0]} to {runs[-1]}, the dear ones fewer")
    return "\n".join(lines)
