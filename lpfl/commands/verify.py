"""``lpfl verify``: run claims, write results and page."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lpfl.commands.parts.frame import add_command
from lpfl.commands.parts.interruption import exit_code_of
from lpfl.commands.parts.places import add_scheduler, require_one_place
from lpfl.commands.parts.run_file import folder_path
from lpfl.commands.parts.terminal import print_json, say, tell
from lpfl.commands.parts.verify_words import show_progress, table, widened, worst_scenario
from lpfl.harmless import harmless, harmless_lines

SAYS = "run the checks of claims; write results.jsonl and index.html"
INCONCLUSIVE = 3
DEFAULTS = {"profile": "quick", "claims": "*", "seed": 0, "device": "cpu", "dtype": "float64"}
EPILOG = """\
examples:
  lpfl verify                                     all statements, 6 drawn scenarios each (5 min)
  lpfl verify --claims 'LR-*' --profile ci        24 scenarios each
  lpfl verify --resume                            go on with the newest run where it was interrupted
  lpfl verify --claims LR-06 --scenario '{...}'   one scenario, as a page prints it
  lpfl verify --claims SI-03 --beyond damping     where the statement breaks, drawn
  lpfl verify --scheduler tcp://host:8786         on the workers of a Dask cluster

Each run gets a folder of its own in reports/runs, and reports/latest points to the newest. A folder
given by --out is written directly; a run that it holds moves to its folder earlier.

profiles: scenarios that are drawn for each claim, besides its fixed ones
  quick    6   about five minutes on two cores; without the large fixed ones
  ci      24   for every commit that changes what is computed
  paper   64   before a statement is published
  nightly 200  the widest search
Time grows with their number: a claim's share is printed as it ends.

exit codes: 0 nothing refuted; 1 refuted, or an error in a check; 2 bad input, or the disk is full;
3 nothing was decided, or inconclusive under --strict; 130 interrupted (129 and 143 by a signal),
resumable"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "verify", run, says=SAYS, epilog=EPILOG)
    parser.add_argument("--profile", help="quick, ci, paper or nightly (default quick)")
    parser.add_argument(
        "--claims", metavar="PATTERN", help="comma-separated ids or 'LR-*' patterns (default all)"
    )
    parser.add_argument("--scenario", metavar="JSON", help="run one claim on this scenario only")
    parser.add_argument(
        "--beyond",
        metavar="AXIS",
        help="sweep one axis of one claim past the ends of its domain (which is no verdict)",
    )
    parser.add_argument("--seed", type=int, help="suite seed (default 0)")
    parser.add_argument("--device", help="cpu, cuda or cuda:N (default cpu)")
    parser.add_argument("--dtype", help="float64 or float32 (default float64)")
    parser.add_argument(
        "--out", metavar="DIR", help="folder to write (default: a new one in reports/runs)"
    )
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    parser.add_argument("--jobs", type=int, help="processes (default 2, on a GPU 1)")
    add_scheduler(parser)
    parser.add_argument("--strict", action="store_true", help="exit 3 if a claim is inconclusive")
    parser.add_argument("--json", action="store_true", help="print the claim records as JSON")


def run(args: argparse.Namespace) -> int:
    """Run the plan; 0 ok, 1 refuted or error, 3 undecided, 130 interrupted."""
    from lpfl.results.runs import LATEST, REPRODUCED

    require_cheap(args)
    if args.beyond is not None:
        from lpfl.commands.parts.verify_beyond import run_beyond

        return run_beyond(args, DEFAULTS)
    usual = REPRODUCED if args.scenario is not None else LATEST
    out = Path(args.out) if args.out is not None else Path("reports") / usual
    from lpfl.sweep.backends import backend_for
    from lpfl.verify.running.resuming import Place, plan_of

    plan = plan_of(args, out, DEFAULTS)
    jobs = args.jobs if args.jobs is not None else (1 if plan.device != "cpu" else 2)
    backend = None if args.scheduler is None else backend_for(args.scheduler, jobs=jobs)
    place = Place(out, plan, resume=args.resume, own_folder=args.out is None)
    interrupted: KeyboardInterrupt | None = None
    try:
        with place.writer:
            try:
                go_on(place, jobs, backend)
            except KeyboardInterrupt as error:
                interrupted = error
        claim_records = place.finish()
        report(args, place, claim_records)
    finally:
        place.close()
    if interrupted is not None:
        total = len(plan.claim_ids)
        say(f"interrupted: {len(claim_records)} of {total} claims kept; go on with")
        say(harmless(f"  lpfl verify --resume --out {place.shell_name}"))
        return exit_code_of(interrupted)
    return judged(args, place.header, claim_records)


def require_cheap(args: argparse.Namespace) -> None:
    """Raise ValueError for what is wrong with the arguments alone, before anything is loaded."""
    from lpfl.verify.options import require_words

    if args.out is not None:
        folder_path("out", args.out)
    if args.jobs is not None and args.jobs < 1:
        raise ValueError(f"jobs={args.jobs}, needs >= 1")
    require_one_place(args)
    words = {name: getattr(args, name) for name in ("profile", "seed", "device", "dtype")}
    usual: dict[str, Any] = {
        name: DEFAULTS[name] if word is None else word for name, word in words.items()
    }
    require_words(**usual)
    if args.resume and args.scenario is not None:
        raise ValueError("resume and scenario exclude each other: run the scenario again")


def go_on(place: Any, jobs: int, backend: Any = None) -> None:
    """Evaluate the claims that the run lacks; records are written as each claim ends."""
    from lpfl.verify.running.runner import run_plan

    total = len(place.plan.claim_ids)
    done = total - len(place.left.claim_ids) if place.left else total
    if place.left is None:
        return
    for records in run_plan(place.left, jobs=jobs, backend=backend):
        place.writer.write(*records)
        done += 1
        show_progress(records[-1], done, total)


def report(args: argparse.Namespace, place: Any, claim_records: list[dict[str, Any]]) -> None:
    """Print the table or the JSON, broken packs, and what a lower precision widened."""
    from lpfl.verify.registry import REGISTRY

    if args.json:
        print_json(json.dumps(claim_records, indent=1))
    else:
        print(harmless_lines(table(claim_records, REGISTRY.broken)))
    for pack in REGISTRY.broken:
        say(harmless(f"pack {pack.name} could not be loaded: {pack.error}"))
    if place.plan.dtype != "float64":
        say(widened(place.results.observations, place.plan.dtype))
    if not args.json:
        print()
        tell("results:", place.results_path)
        tell("page:   ", place.page_path)
    if place.aside is not None:
        say(harmless(f"the earlier run is kept in {place.aside}"))


def judged(
    args: argparse.Namespace, header: Mapping[str, Any], records: list[dict[str, Any]]
) -> int:
    """Say what failed, and return the exit code."""
    from lpfl.verify.registry import REGISTRY
    from lpfl.verify.running.runner import overall

    for record in records:
        if record["verdict"] == "error":
            say(f"error in {record['claim']}:\n{record['worst']['detail']}")
        if record["verdict"] == "refuted":
            say(worst_scenario(record, header))
    outcome = overall(records)
    if outcome is None or outcome == "refuted":
        return 1
    if all(record["verdict"] == "inconclusive" for record in records):
        say("nothing was decided: every claim is inconclusive")
        return INCONCLUSIVE
    unclear = outcome == "inconclusive" or REGISTRY.broken
    return INCONCLUSIVE if unclear and args.strict else 0
