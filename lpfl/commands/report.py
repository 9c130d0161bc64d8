"""``lpfl report``: build the page from results files, or write its charts as files."""

import argparse
import re
from pathlib import Path
from typing import Any

from lpfl.commands.parts.frame import add_command
from lpfl.commands.parts.run_file import folder_path, results_file
from lpfl.commands.parts.terminal import tell

ADDRESS = re.compile(r"https?://[^\s\"'<>\\]+")
SAYS = "build the HTML page from a results file, or write its charts as files"
EPILOG = """\
examples:
  lpfl report reports/latest/results.jsonl --out page.html       the page
  lpfl report reports/latest/results.jsonl --data charts         each chart as SVG and CSV
  lpfl report reports/experiments/fig2.json --out fig2.html      the page of an experiment
  lpfl report reports/experiments/headline.json --picture a.svg  pictures of an experiment, in a row
  lpfl report --index reports                                    reports/index.html: all pages there

--runs DIR draws on the page how each claim fared in the runs kept in DIR.

exit codes: 0 written; 2 bad input, or it cannot be written"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "report", run, says=SAYS, epilog=EPILOG)
    parser.add_argument(
        "results",
        nargs="?",
        type=results_file,
        help="a results.jsonl, complete or not, the folder of a run, or an experiment's JSON",
    )
    parser.add_argument("--out", help="page to write (default report.html)")
    parser.add_argument(
        "--repository",
        default="",
        help="address of the source tree, for links from claims",
    )
    parser.add_argument("--runs", metavar="DIR", help="folder of earlier runs, for the trends")
    parser.add_argument("--data", metavar="DIR", help="write each chart as SVG and CSV instead")
    parser.add_argument("--png", action="store_true", help="with --data: PNG too (extra png)")
    parser.add_argument(
        "--picture", metavar="FILE", help="write an experiment's pictures as an SVG"
    )
    parser.add_argument("--index", metavar="DIR", help="write the index of a folder of reports")


def run(args: argparse.Namespace) -> int:
    """Write the page, the charts, one picture, or the index."""
    require_sense(args)
    require_words(args)
    if args.index is not None:
        from lpfl.report.overview.index import build_index
        from lpfl.report.page import write_page
        from lpfl.trust.page import page_rows

        path = Path(args.index) / "index.html"
        write_page(path, build_index(Path(args.index), trust=page_rows(Path(args.index))))
        tell("index:", path)
    elif args.data is not None:
        from lpfl.report.export import export_charts

        files = export_charts(charts(args.results), Path(args.data), png=args.png)
        tell(f"{len(files)} files in", args.data)
    elif args.picture is not None:
        from lpfl.report.export import side_by_side
        from lpfl.results.output_path import output_path
        from lpfl.results.store import write_atomically

        out = output_path("picture", args.picture, (args.results,))
        write_atomically(out, side_by_side(charts(args.results)))
        tell("picture:", args.picture)
    else:
        write(args)
    return 0


def require_sense(args: argparse.Namespace) -> None:
    """Raise ValueError unless the arguments ask for one thing."""
    asked = [
        name for name in ("out", "data", "picture", "index") if getattr(args, name) is not None
    ]
    if len(asked) > 1:
        raise ValueError(f"{' and '.join(asked)} together, needs one of them")
    if args.index is None and args.results is None:
        raise ValueError("no results, needs a results.jsonl, an experiment's JSON, or --index DIR")
    if args.index is not None and args.results is not None:
        raise ValueError(f"results={args.results} with --index, needs one of them")
    if args.png and args.data is None:
        raise ValueError("png=True without --data, needs a folder for the charts")
    if args.picture is not None and not args.results.endswith(".json"):
        raise ValueError(f"results={args.results}, --picture needs an experiment's NAME.json")


def require_words(args: argparse.Namespace) -> None:
    """Raise ValueError for the name of a folder or an address that is none."""
    for name in ("data", "index", "runs"):
        if getattr(args, name) is not None:
            folder_path(name, getattr(args, name))
    if args.repository and not ADDRESS.fullmatch(args.repository):
        raise ValueError(f"repository={args.repository!r}, needs an address https://...")


def write(args: argparse.Namespace) -> None:
    """Write the page of a run, or of an experiment."""
    from lpfl.results.output_path import output_path
    from lpfl.results.store import read_results
    from lpfl.verify.running.run_page import write_run_page

    name = args.out if args.out is not None else "report.html"
    out = output_path("out", name, (args.results,))
    if args.results.endswith(".json"):
        from lpfl.experiments.core.page import build_page
        from lpfl.report.overview.index import way_to_index
        from lpfl.report.page import write_page

        write_page(out, build_page(experiment(args.results), elsewhere=way_to_index(out)))
        tell("page:", name)
        return
    runs = None if args.runs is None else Path(args.runs)
    results = read_results(args.results)
    write_run_page(out, results, repository=args.repository, runs=runs)
    tell("page:", name)


def charts(path: str) -> list[Any]:
    """Return the charts of a run's results or of an experiment's JSON."""
    if not path.endswith(".json"):
        from lpfl.results.store import read_results
        from lpfl.verify.running.run_page import run_charts

        return run_charts(read_results(path))
    from lpfl.report.chart import chart_of_picture, file_name

    result = experiment(path)
    return [
        chart_of_picture(one, file_name(result.name, one["title"]))
        for section in result.sections
        for one in section.pictures
    ]


def experiment(path: str) -> Any:
    """Return the result of an experiment; raise ValueError if the file holds none."""
    from lpfl.experiments.core.reading import result_from_json
    from lpfl.results.store import strict_json

    try:
        return result_from_json(strict_json(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"results={path} is no experiment's JSON: {error}") from None
