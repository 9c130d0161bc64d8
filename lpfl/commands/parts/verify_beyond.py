"""``lpfl verify --beyond AXIS``: sweep one axis of a claim past the end of its domain."""

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

from lpfl.commands.parts.interruption import exit_code_of
from lpfl.commands.parts.terminal import print_json, say, tell
from lpfl.commands.parts.verify_words import number

SWEEPS, RECORD = "beyond", "sweep.jsonl"


def run_beyond(args: argparse.Namespace, defaults: dict[str, Any]) -> int:
    """Sweep, print the points, write the record and the page; 0 whatever was found.

    Raises ValueError for an axis that the claim lacks, or for more than one claim.
    """
    from lpfl.results.lock import FolderLock
    from lpfl.results.runs import new_run_folder
    from lpfl.verify.beyond import axis_named, middle, summary, sweep
    from lpfl.verify.registry import CHECKS
    from lpfl.verify.running.runner import Plan
    from lpfl.verify.scenario import scenario_from_json
    from lpfl.verify.selection import select_claims

    if args.resume:
        raise ValueError("beyond and resume exclude each other: a sweep starts anew")
    words = {name: getattr(args, name) or defaults[name] for name in ("claims", "device", "dtype")}
    claims = select_claims(words.pop("claims"), list(CHECKS))
    if len(claims) != 1:
        raise ValueError(f"beyond sweeps one claim, needs --claims with one id, got {len(claims)}")
    base = None if args.scenario is None else scenario_from_json(args.scenario)
    seed = defaults["seed"] if args.seed is None else args.seed
    plan = Plan(claims, seed=seed, scenario=base, **words)
    axis = axis_named(claims[0], args.beyond)
    base = base or middle(CHECKS[claims[0]].space)
    folder = Path(args.out) if args.out is not None else new_run_folder(Path("reports") / SWEEPS)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FolderLock(folder)
    try:
        if (folder / RECORD).exists() or (folder / "results.jsonl").exists():
            raise ValueError(f"out={folder} holds a run, a sweep needs a folder of its own")
        points, interrupted = [], None
        try:
            for point in sweep(plan, axis, base):
                points.append(point)
                edge = "" if point.inside else ", outside the space"
                say(f"{args.beyond} {point.value:.4g}: {point.outcome}{edge}")
        except KeyboardInterrupt as error:
            interrupted = error
        if points:
            write(args, plan, axis, base, points, folder)
        elif interrupted is None:
            raise ValueError(f"beyond={args.beyond!r} has no value to try")
    finally:
        lock.release()
    if points and not args.json:
        print(table(args.beyond, points))
        print(f"\n{claims[0]}: {summary(points)}\nThis is no verdict: the gate does not count it.")
        tell("record:", folder / RECORD)
        tell("page:  ", folder / "index.html")
    return 0 if interrupted is None else exit_code_of(interrupted)


def write(
    args: argparse.Namespace, plan: Any, axis: Any, base: Any, points: list[Any], folder: Path
) -> None:
    """Write the record and its page; with --json print the record as well."""
    from lpfl import __version__
    from lpfl.report.sweep import sweep_page
    from lpfl.results.schema import BEYOND
    from lpfl.results.store import write_atomically
    from lpfl.verify.beyond import edges, summary
    from lpfl.verify.registry import CHECKS, CLAIMS

    (claim_id,) = plan.claim_ids
    record = {
        "type": BEYOND,
        "says": "a sweep past the domain of a claim, which is no verdict",
        "lpfl_version": __version__,
        "claim": claim_id,
        "axis": args.beyond,
        "log": bool(getattr(axis, "log", False)) or args.beyond == "covariance",
        "edges": list(edges(CHECKS[claim_id].space, axis, base)),
        "seed": plan.seed,
        "device": plan.device,
        "dtype": plan.dtype,
        "base": base.as_json(),
        "summary": summary(points),
        "points": [point.as_json() for point in points],
    }
    text = json.dumps(record, allow_nan=False, ensure_ascii=False)
    write_atomically(folder / RECORD, text + "\n")
    claim = CLAIMS[claim_id]
    page = sweep_page(record, title=claim.title, says=claim.says, command=command_of(args, plan))
    write_atomically(folder / "index.html", page)
    if args.json:
        print_json(text)


def command_of(args: argparse.Namespace, plan: Any) -> str:
    """Return the command that runs the sweep again."""
    words = ["lpfl", "verify", "--claims", plan.claim_ids[0], "--beyond", args.beyond]
    for name, usual in (("seed", 0), ("device", "cpu"), ("dtype", "float64")):
        value = getattr(plan, name)
        words += [f"--{name}", str(value)] if value != usual else []
    words += ["--scenario", args.scenario] if args.scenario is not None else []
    return shlex.join(words)


def table(axis: str, points: list[Any]) -> str:
    """Return the table of the points."""
    from tabulate import tabulate

    rows = [
        (
            number(point.value),
            "yes" if point.inside else "no",
            point.outcome,
            point.part,
            number(point.predicted),
            number(point.measured),
            number(point.statistic),
            "; ".join([*point.outside, *([point.detail] if point.detail else [])])[:90],
        )
        for point in points
    ]
    headers = ("in the space", "outcome", "part", "predicted", "measured", "statistic", "why not")
    return tabulate(rows, headers=(axis, *headers), disable_numparse=True)
