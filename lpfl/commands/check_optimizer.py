"""``lpfl check-optimizer``: judge torch optimizers, one or several."""

import argparse
import ast
from pathlib import Path
from typing import Any

SAYS = "judge a torch optimizer: api, definition, invariances, theory"
EXITS = (
    "exit codes: 0 conforms; 1 deviates, or an expected failure is gone; 2 bad input; "
    "3 inconclusive under --strict"
)
CONFORMS, DEVIATES, INCONCLUSIVE = 0, 1, 3


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("check-optimizer", help=SAYS, description=SAYS, epilog=EXITS)
    parser.add_argument(
        "optimizers",
        nargs="+",
        metavar="module:NAME",
        help="an optimizer class, a factory or an OptimizerSpec; or the name of an entry point "
        "of the group lpfl.optimizers",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="option of the constructor, VALUE as in Python (lr=1e-3); can be repeated",
    )
    parser.add_argument(
        "--claim", action="append", default=[], metavar="NAME", help="a claim, such as adamw"
    )
    parser.add_argument(
        "--checks", action="append", metavar="PATTERN", help="ids, patterns or tags; default all"
    )
    parser.add_argument("--quick", action="store_true", help="the cheap checks only")
    parser.add_argument("--strict", action="store_true", help="inconclusive checks exit with 3")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--seed", type=int, default=0, help="seed of every draw (default 0)")
    parser.add_argument("--json", metavar="PATH", help="also write JSON (- for standard output)")
    parser.add_argument("--junit", metavar="PATH", help="also write JUnit XML")
    parser.add_argument("--html", metavar="PATH", help="also write a page")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Judge, print, write; return the exit code."""
    from lpfl.conformance.entries import named
    from lpfl.conformance.run import check_optimizer

    options = dict(_option(text) for text in args.option)
    subjects = [named(name, claims=args.claim, options=options) for name in args.optimizers]
    reports = [
        check_optimizer(
            spec,
            on_fail=None,
            checks=args.checks,
            device=args.device,
            seed=args.seed,
            quick=args.quick,
        )
        for spec in subjects
    ]
    for report in reports:
        if args.json != "-":
            print(report.text())
    _write(args, reports)
    return exit_code(reports, strict=args.strict)


def exit_code(reports: list[Any], *, strict: bool) -> int:
    """Return 1 if one fails, else 3 if one is inconclusive under ``strict``, else 0."""
    from lpfl.conformance.outcomes import Outcome

    if any(report.failed for report in reports):
        return DEVIATES
    open_ones = [r for report in reports for r in report.results]
    if strict and any(r.outcome is Outcome.INCONCLUSIVE for r in open_ones):
        return INCONCLUSIVE
    return CONFORMS


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise ValueError(f"option={text!r}, needs the form NAME=VALUE")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def _write(args: argparse.Namespace, reports: list[Any]) -> None:
    from lpfl.conformance.views.junit import to_junit
    from lpfl.results.store import write_atomically

    if args.json is not None:
        texts = [report.as_json() for report in reports]
        text = texts[0] if len(texts) == 1 else "[" + ",\n".join(texts) + "]"
        if args.json == "-":
            print(text)
        else:
            write_atomically(Path(args.json), text + "\n")
    if args.junit is not None:
        write_atomically(Path(args.junit), to_junit(reports))
    if args.html is not None:
        if len(reports) != 1:
            raise ValueError(f"html={args.html!r} holds one optimizer, {len(reports)} are given")
        write_atomically(Path(args.html), reports[0].html())
