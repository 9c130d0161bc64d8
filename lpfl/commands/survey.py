"""``lpfl survey``: judge every optimizer of the catalogue; write survey.jsonl and index.html."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lpfl.commands.parts.frame import add_command
from lpfl.commands.parts.interruption import exit_code_of
from lpfl.commands.parts.places import add_scheduler, require_one_place
from lpfl.commands.parts.run_file import folder_path, made
from lpfl.commands.parts.terminal import say, tell

SAYS = "judge the world's optimizers; write survey.jsonl and index.html"

EPILOG = """\
examples:
  lpfl survey --quick                             all optimizers that are installed (half an hour)
  lpfl survey --subjects 'torch.*' --quick        those of torch (minutes)
  lpfl survey --resume                            go on where it was interrupted
  lpfl survey --page-only                         write the page of what is there

A package that is missing is a line that says so. A resumed survey needs the options of the first.
exit codes: 0 done, whatever the optimizers did; 2 bad input; 130 interrupted (129 and 143 by a
signal), resumable"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "survey", run, says=SAYS, epilog=EPILOG)
    parser.add_argument("--out", default="reports/survey", metavar="DIR", help="folder to write")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (default 2)")
    add_scheduler(parser)
    parser.add_argument(
        "--subjects", default="*", metavar="PATTERN", help="names, packages or 'timm.*' patterns"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of every draw (default 0)")
    parser.add_argument("--quick", action="store_true", help="the cheap checks only")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    parser.add_argument("--against", metavar="JSONL", help="an earlier survey to compare with")
    parser.add_argument("--page-only", action="store_true", help="only write the page again")


def run(args: argparse.Namespace) -> int:
    """Run the survey; 0 whatever the optimizers did, 130 interrupted (129, 143 by a signal)."""
    folder_path("out", args.out)
    from lpfl.choices import require_seed
    from lpfl.conformance.peers.page import build_page
    from lpfl.conformance.peers.records import PREVIOUS, read_survey
    from lpfl.report.overview.index import way_to_index
    from lpfl.results.lock import FolderLock
    from lpfl.results.store import write_atomically

    require_seed(args.seed)
    if args.jobs < 1:
        raise ValueError(f"jobs={args.jobs}, needs >= 1")
    require_one_place(args, jobs_default=2)
    path = Path(args.out) / "survey.jsonl"
    against = None if args.against is None else read_survey(args.against)
    if args.page_only:
        read_survey(path)
    interrupted: KeyboardInterrupt | None = None
    with FolderLock(made(path.parent)):
        if not args.page_only:
            interrupted = _judge(args, path)
        earlier = path.with_name(PREVIOUS)
        if against is None and earlier.exists():
            against = read_survey(earlier)
        place = path.with_name("index.html")
        page = build_page(read_survey(path), against, elsewhere=way_to_index(place))
        write_atomically(place, page)
    tell("survey:", path)
    tell(f"page ({len(page.encode()):,} bytes):", place)
    return 0 if interrupted is None else exit_code_of(interrupted)


def _judge(args: argparse.Namespace, path: Path) -> KeyboardInterrupt | None:
    """Judge what is not yet in the file; return the interruption, if there was one."""
    from collections import deque

    import hypothesis  # noqa: F401 (once here, not in each process)
    import torch
    import torch._dynamo

    from lpfl.conformance.isolation import prepare
    from lpfl.conformance.peers.catalogue import catalogue
    from lpfl.conformance.peers.elsewhere import judge_on
    from lpfl.conformance.peers.records import SurveyWriter, new_header
    from lpfl.conformance.peers.survey import Task, judge_all, plan
    from lpfl.conformance.peers.worker import Settings
    from lpfl.conformance.registry import select
    from lpfl.sweep.backends import backend_for

    torch.set_num_threads(1)
    backend = None if args.scheduler is None else backend_for(args.scheduler, jobs=args.jobs)
    packages = catalogue()
    chosen = select(None, quick=args.quick)
    checks = {check.check_id: check.says for check in chosen}
    versions = {package.distribution: package.version() for package in packages}
    header = new_header(seed=args.seed, quick=args.quick, packages=versions, checks=checks)
    tasks, lines = plan(packages, args.subjects)  # refuses a pattern before a file is touched
    writer = SurveyWriter(path, header, resume=args.resume)
    tasks = [Task(t.package, deque(n for n in t.names if n not in writer.done)) for t in tasks]
    tasks = [task for task in tasks if task.names]
    for line in lines:
        if line["subject"] not in writer.done:
            writer.write(line)
    total = len(writer.done) + sum(len(task.names) for task in tasks)
    done = len(writer.done)
    settings = Settings(seed=args.seed, quick=args.quick)
    if backend is None:
        prepare(chosen)
        judged = judge_all(tasks, jobs=args.jobs, settings=settings)
    else:
        judged = judge_on(backend, tasks, settings=settings)
    try:
        for line in judged:
            writer.write(line)
            done += 1
            show_progress(line, done, total)
    except KeyboardInterrupt as error:
        say(f"interrupted: {done} of {total} kept, go on with --resume")
        return error
    finally:
        writer.close()
    return None


def show_progress(line: Mapping[str, Any], done: int, total: int) -> None:
    """Print one line on stderr about a judged subject."""
    from collections import Counter

    count = Counter(result["outcome"] for result in line["results"])
    graver = ", ".join(f"{count[o]} {o}" for o in ("deviates", "limit", "numerics") if count[o])
    seconds = f"{line['seconds']:.1f} s" if "seconds" in line else line["status"]
    say(f"[{done:{len(str(total))}}/{total}] {line['subject']:<48} {seconds:<8} {graver}")
