"""``lpfl sweep``: claims, optimizers or experiments over a grid or a random design."""

import argparse
from pathlib import Path
from typing import Any

from lpfl.commands.parts.frame import add_command
from lpfl.commands.parts.interruption import exit_code_of, interruptible
from lpfl.commands.parts.places import add_scheduler, require_one_place
from lpfl.commands.parts.run_file import folder_path
from lpfl.commands.parts.terminal import say, tell
from lpfl.harmless import harmless

SAYS = "run a sweep that a TOML file describes; write records, a table and a page of maps"
JOBS = 2
EPILOG = """\
examples:
  lpfl sweep docs/sweeps/aspect_noise.toml                where KFAC beats SGD after one step
  lpfl sweep SPEC.toml --jobs 8                           on 8 processes
  lpfl sweep SPEC.toml --scheduler tcp://host:8786        on the workers of a Dask cluster
  lpfl sweep SPEC.toml --list                             what would run

The folder keeps what is done: the same command goes on after an interruption, on any backend, with
the same records in the end. docs/sweep.md says what a spec may hold.
exit codes: 0 all done; 1 a task failed, or a claim is refuted somewhere; 2 bad input; 130
interrupted (129 and 143 by a signal)"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "sweep", run, says=SAYS, epilog=EPILOG)
    parser.add_argument("spec", metavar="SPEC", help="TOML file")
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"processes (default {JOBS})")
    add_scheduler(parser)
    parser.add_argument("--out", metavar="DIR", help="folder (default reports/runs/sweeps/NAME)")
    parser.add_argument("--list", action="store_true", help="say what would run, and end")


def run(args: argparse.Namespace) -> int:
    """Run the sweep; 0 done, 1 something failed or is refuted, 130 interrupted."""
    if args.out is not None:
        folder_path("out", args.out)
    if args.jobs < 1:
        raise ValueError(f"jobs={args.jobs}, needs >= 1")
    require_one_place(args, jobs_default=JOBS)
    from lpfl.sweep.plan import Plan
    from lpfl.sweep.spec import read_spec

    plan = Plan(read_spec(Path(args.spec)))
    folder = Path(args.out) if args.out else Path("reports/runs/sweeps") / plan.spec.name
    if args.list:
        print("\n".join(words(plan)))
        return 0
    try:
        with interruptible():
            return answered(args, plan, folder)
    except KeyboardInterrupt as error:
        say(harmless(f"interrupted: what is done is kept in {folder}; the same command goes on"))
        return exit_code_of(error)


def answered(args: argparse.Namespace, plan: Any, folder: Path) -> int:
    """Answer what is missing, write the files, and say what was found."""
    from lpfl.report.overview.index import way_to_index
    from lpfl.results.store import write_atomically
    from lpfl.sweep.backends import backend_for
    from lpfl.sweep.data import to_csv, to_lines
    from lpfl.sweep.maps import shown_maps
    from lpfl.sweep.maps import to_csv as maps_to_csv
    from lpfl.sweep.page import build_page
    from lpfl.sweep.run import sweep_in

    backend = backend_for(args.scheduler, jobs=args.jobs)
    with sweep_in(plan, folder) as sweep:
        sweep.go_on(backend)
        records = list(sweep.records())
        axes = [axis.name for axis in plan.spec.design.axes]
        write_atomically(folder / "records.jsonl", to_lines(records))
        write_atomically(folder / "data.csv", to_csv(records, axes))
        maps = shown_maps(plan.spec, records)
        write_atomically(folder / "maps.csv", maps_to_csv(maps))
        place = folder / "index.html"
        page = build_page(
            plan.spec, records, maps, seconds=sweep.seconds(), elsewhere=way_to_index(place)
        )
        write_atomically(place, page)
    return told(records, folder)


def told(records: list[dict[str, Any]], folder: Path) -> int:
    """Say how it ended, and return the exit code."""
    failed = [record for record in records if record["status"] == "error"]
    outside = sum(record["status"] == "outside" for record in records)
    refuted = [
        record for record in records if any(r["outcome"] == "refuted" for r in record["rows"])
    ]
    for record in failed[:10]:
        say(harmless(f"failed: task {record['task']}, {record['point']}: {record['error']}"))
    for record in refuted[:10]:
        say(harmless(f"refuted: {record['subject']}, {record['point']}, seed {record['seed']}"))
    done = len(records) - len(failed) - outside
    print(f"{done} tasks done, {len(failed)} failed, {outside} outside the domain")
    for name in ("records.jsonl", "data.csv", "maps.csv", "index.html"):
        tell(f"{name:14}", folder / name)
    return 1 if failed or refuted else 0


def words(plan: Any) -> list[str]:
    """Return what would run, in a few lines."""
    spec = plan.spec
    inside = len(plan.inside())
    names = [subject.title for subject in spec.subjects if subject.title]
    axes = [
        f"{axis.name}: {len(axis.listed)} values" if axis.listed else f"{axis.name}: a range"
        for axis in spec.design.axes
    ]
    return [
        f"{spec.name}: {len(spec.points)} points x {spec.replicates} seeds"
        + (f" x {', '.join(names)}" if names else ""),
        *axes,
        f"{inside} tasks to run, {len(plan) - inside} outside the domain",
    ]
