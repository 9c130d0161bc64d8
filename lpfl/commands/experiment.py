"""``lpfl experiment``: one of the paper's figures as data with the prediction on top."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lpfl.commands.parts.frame import add_command
from lpfl.commands.parts.interruption import exit_code_of
from lpfl.commands.parts.places import add_scheduler
from lpfl.commands.parts.run_file import folder_path, made
from lpfl.commands.parts.terminal import print_json, say, tell

SAYS = "run one of the paper's figures, or the variants; write NAME.json, NAME.csv and NAME.html"
EPILOG = """\
examples:
  lpfl experiment headline                steps against condition number, KFAC and AMGD
  lpfl experiment fig1 --scale paper      full size; hours on a CPU
  lpfl experiment variants --resume       go on where it was interrupted

Finished parts are kept, and lines on stderr say how long the rest takes.
exit codes: 0 done; 2 bad input; 130 interrupted (129 and 143 by a signal), resumable"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "experiment", run, says=SAYS, epilog=EPILOG)
    parser.add_argument("name", help="headline, fig1, fig2, fig3 or variants")
    parser.add_argument(
        "--scale", default="quick", help="quick (minutes) or paper (full size, hours on a CPU)"
    )
    parser.add_argument("--seeds", type=int, metavar="N", help="replicates (default: the scale's)")
    parser.add_argument("--seed", type=int, default=0, help="seed of every draw (default 0)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    add_scheduler(parser)
    parser.add_argument("--out", default="reports/experiments", metavar="DIR", help="folder")
    parser.add_argument("--resume", action="store_true", help="go on with an unfinished run")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Run the experiment; 0 ok, 130 interrupted (what was finished is written, and resumable)."""
    folder_path("out", args.out)
    from lpfl.choices import require_device
    from lpfl.experiments import EXPERIMENTS
    from lpfl.experiments.core.experiment import Options
    from lpfl.experiments.core.files import as_text
    from lpfl.results.lock import FolderLock
    from lpfl.sweep.backends import backend_for, require_scheduler

    if args.name not in EXPERIMENTS:
        raise ValueError(f"experiment={args.name!r}, needs one of {list(EXPERIMENTS)}")
    options = Options(args.scale, args.seeds, args.seed, args.device)
    require_device(options.device)
    require_scheduler(args.scheduler)
    backend = None if args.scheduler is None else backend_for(args.scheduler, jobs=1)
    out = made(Path(args.out))
    ended: list[KeyboardInterrupt] = []
    with FolderLock(out):
        try:
            result = run_in(
                out,
                EXPERIMENTS[args.name],
                options,
                resume=args.resume,
                backend=backend,
                interrupted=ended.append,
            )
        except KeyboardInterrupt as error:  # not between two parts: nothing new is written
            say("interrupted: finished parts are kept, --resume goes on")
            return exit_code_of(error)
    data_path, page_path, table_path = paths(out, args.name)
    if args.json:
        print_json(as_text(result))
    else:
        for section in result.sections:
            print(f"{section.title}: {section.finding}" if section.finding else section.title)
        print()
        tell("data:", data_path)
        tell("page:", page_path)
        if table_path.is_file():
            tell("table:", table_path)
    if not result.complete:
        say(f"interrupted: {len(result.sections)} finished sections kept, --resume goes on")
        return exit_code_of(ended[0])
    return 0


def run_in(
    out: Path,
    experiment: Any,
    options: Any,
    *,
    resume: bool,
    backend: Any = None,
    interrupted: Callable[[KeyboardInterrupt], None] = lambda error: None,
) -> Any:
    """Run an experiment in a folder and write its data and page; earlier ones move aside.

    backend: runs the parts instead of this process. interrupted: told what ended the run.
    """
    from lpfl.experiments.core.elsewhere import parts_on
    from lpfl.experiments.core.files import as_text, tables_as_csv
    from lpfl.experiments.core.journal import PartsJournal
    from lpfl.experiments.core.page import build_page
    from lpfl.report.overview.index import way_to_index
    from lpfl.results.runs import keep_aside
    from lpfl.results.store import write_atomically

    journal = PartsJournal(out, experiment.name, options, versions())
    kept = journal.finished() if resume else {}
    if kept:
        say(f"resumed: {len(kept)} finished parts")
    if not resume:
        journal.begin()
    if backend is not None:
        kept = parts_on(backend, experiment, options, say=say, kept=kept, keep=journal.keep)
    result = experiment.run(
        options,
        say=say,
        versions=versions(),
        kept=kept,
        keep=journal.keep,
        interrupted=interrupted,
    )
    data_path, page_path, table_path = paths(out, experiment.name)
    if not resume:
        keep_aside(out, (data_path.name, page_path.name, table_path.name))
    write_atomically(data_path, as_text(result) + "\n")
    if any(section.tables for section in result.sections):
        write_atomically(table_path, tables_as_csv(result))
    write_atomically(page_path, build_page(result, elsewhere=way_to_index(page_path)))
    if result.complete:
        journal.remove()
    return result


def paths(out: Path, name: str) -> tuple[Path, Path, Path]:
    """Return the files of the data, of the page, and of the tables."""
    return out / f"{name}.json", out / f"{name}.html", out / f"{name}.csv"


def versions() -> dict[str, str]:
    """Return the versions the numbers depend on."""
    import platform
    from importlib.metadata import version

    from lpfl import __version__

    packages = ("torch", "numpy", "scipy")
    return {
        "lpfl": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }
