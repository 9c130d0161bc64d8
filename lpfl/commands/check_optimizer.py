"""``lpfl check-optimizer``: judge torch optimizers, one or several."""

import argparse
import ast
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lpfl.commands.parts.frame import add_command
from lpfl.commands.parts.terminal import print_json
from lpfl.hint import did_you_mean

SAYS = "judge a torch optimizer: api, definition, invariances, theory"
EPILOG = """\
examples:
  lpfl check-optimizer torch.optim:AdamW                        what it is taken for, as torch says
  lpfl check-optimizer mine.optim:Shampoo --option lr=1e-3      with an option
  lpfl check-optimizer mine.optim:Opt --claim adamw             against the definition of AdamW
  lpfl check-optimizer mine.optim:Opt --quick --html page.html  the cheap checks, as a page

One optimizer takes a few seconds with --quick, and up to a minute without.
exit codes: 0 conforms; 1 deviates, or an expected failure is gone; 2 bad input, or an optimizer
that raises where it is run; 3 inconclusive under --strict"""
ADDRESS = re.compile(r"[^\W\d][\w.]*:[^\W\d][\w.]*")  # module:NAME, which no path is taken for
CONFORMS, DEVIATES, RAISES, INCONCLUSIVE = 0, 1, 2, 3


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "check-optimizer", run, says=SAYS, epilog=EPILOG)
    parser.add_argument(
        "optimizers",
        nargs="*",
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
        "--claim",
        action="append",
        default=[],
        metavar="NAME",
        help="a claim, such as adamw; repeated for more",
    )
    parser.add_argument(
        "--checks",
        action="append",
        metavar="PATTERN",
        help="comma-separated ids, patterns or tags; default all",
    )
    parser.add_argument("--quick", action="store_true", help="the cheap checks only")
    parser.add_argument("--strict", action="store_true", help="inconclusive checks exit with 3")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--seed", type=int, default=0, help="seed of every draw (default 0)")
    parser.add_argument(
        "--json",
        nargs="?",
        const="-",
        metavar="PATH",
        help="print JSON in place of the text; with a PATH write it there, beside the text",
    )
    parser.add_argument("--junit", metavar="PATH", help="also write JUnit XML")
    parser.add_argument("--html", metavar="PATH", help="also write a page")


def require_known(claims: Sequence[str]) -> None:
    """Raise ValueError for a claim that means nothing here: it would be judged by nothing."""
    from difflib import get_close_matches

    from lpfl.conformance.claims import known_words, normal

    known = sorted(known_words())
    for claim in claims:
        if normal(claim) not in known:
            hint = did_you_mean(get_close_matches(normal(claim), known))
            raise ValueError(f"claim={claim!r}, needs one of {', '.join(known)}{hint}")


def run(args: argparse.Namespace) -> int:
    """Judge, print, write; return the exit code."""
    args = addressed(args)
    require_outputs(args)
    from lpfl.choices import require_device, require_seed
    from lpfl.conformance.entries import named
    from lpfl.conformance.run import check_optimizer

    require_seed(args.seed)
    require_device(args.device)
    options = dict(_option(text) for text in args.option)
    require_known(args.claim)
    checks = args.checks and [text.strip() for one in args.checks for text in one.split(",")]
    subjects = [named(name, claims=args.claim, options=options) for name in args.optimizers]
    require_outputs(args, sources(args.optimizers))
    for spec in subjects:
        require_options(spec.factory, options)
    reports = [
        check_optimizer(
            spec,
            on_fail=None,
            checks=checks,
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


def addressed(args: argparse.Namespace) -> argparse.Namespace:
    """Return the arguments with what stood behind a bare ``--json`` among the optimizers.

    Raises: ValueError if no optimizer is named.
    """
    found = argparse.Namespace(**vars(args))
    if args.json and ADDRESS.fullmatch(args.json):
        found.json, found.optimizers = "-", [args.json, *args.optimizers]
    if not found.optimizers:
        raise ValueError("optimizers are missing, needs one module:NAME or more")
    return found


def require_options(factory: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Raise ValueError for an option that the factory cannot take."""
    from difflib import get_close_matches

    from lpfl.conformance.signatures import named_options, takes_any_option

    known = list(named_options(factory))
    for name in () if takes_any_option(factory) else options:
        if name not in known:
            hint = did_you_mean(get_close_matches(name, known))
            raise ValueError(f"option={name!r}, needs one of {', '.join(known)}{hint}")


def sources(addresses: Sequence[str]) -> tuple[str, ...]:
    """Return the files of the modules that addresses name, which no output may replace."""
    modules = (sys.modules.get(address.partition(":")[0]) for address in addresses)
    files = (getattr(module, "__file__", None) for module in modules)
    return tuple(file for file in files if file)


def require_outputs(args: argparse.Namespace, inputs: tuple[str, ...] = ()) -> None:
    """Raise ValueError for a path that cannot be written to, before anything is judged."""
    from lpfl.results.output_path import output_path

    paths = {"json": args.json, "junit": args.junit, "html": args.html}
    given = {name: path for name, path in paths.items() if path not in (None, "-")}
    for name, path in given.items():
        parent = output_path(name, path, inputs).parent
        if not parent.is_dir():
            raise ValueError(f"{name}={path}, needs a folder that exists: {parent} is none")
    if len({str(Path(path).absolute()) for path in given.values()}) < len(given):
        raise ValueError("json, junit and html name one file, need different ones")
    if args.html is not None and len(args.optimizers) != 1:
        raise ValueError(
            f"html={args.html!r} holds one optimizer, {len(args.optimizers)} are given"
        )


def exit_code(reports: list[Any], *, strict: bool) -> int:
    """Return 1 if one fails, else 2 if one cannot be run, else 3 if one is open, else 0.

    strict: whether an inconclusive check is open.
    """
    from lpfl.conformance.outcomes import Outcome

    if any(report.failed for report in reports):
        return DEVIATES
    if any(report.raised for report in reports):
        return RAISES
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
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return name, value


def _write(args: argparse.Namespace, reports: list[Any]) -> None:
    from lpfl.conformance.views.junit import to_junit
    from lpfl.results.store import write_atomically

    if args.json is not None:
        texts = [report.as_json() for report in reports]
        text = texts[0] if len(texts) == 1 else "[" + ",\n".join(texts) + "]"
        if args.json == "-":
            print_json(text)
        else:
            write_atomically(Path(args.json), text + "\n")
    if args.junit is not None:
        write_atomically(Path(args.junit), to_junit(reports))
    if args.html is not None:
        write_atomically(Path(args.html), reports[0].html())
