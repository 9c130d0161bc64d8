"""``lpfl verify``: run claims, write results and page."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SAYS = "run the checks of claims; write results.jsonl and index.html"
INTERRUPTED = 130
INCONCLUSIVE = 3


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("verify", help=SAYS, description=SAYS)
    parser.add_argument("--profile", default="quick", help="quick, ci, paper or nightly")
    parser.add_argument(
        "--claims", default="*", metavar="PATTERN", help="comma-separated ids or 'LR-*' patterns"
    )
    parser.add_argument("--scenario", metavar="JSON", help="run one claim on this scenario only")
    parser.add_argument("--seed", type=int, default=0, help="suite seed (default 0)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--dtype", default="float64", help="float64 or float32")
    parser.add_argument("--out", default="reports/latest", metavar="DIR", help="folder to write")
    parser.add_argument("--jobs", type=int, help="processes (default 2, on a GPU 1)")
    parser.add_argument("--strict", action="store_true", help="exit 3 if a claim is inconclusive")
    parser.add_argument("--json", action="store_true", help="print the claim records as JSON")
    parser.set_defaults(run=run)


def select_claims(pattern: str, known: list[str]) -> tuple[str, ...]:
    """Return the known ids that match comma-separated patterns, in order.

    Raises ValueError naming a pattern that matches nothing.
    """
    from fnmatch import fnmatchcase

    wanted = [part.strip() for part in pattern.split(",") if part.strip()]
    for part in wanted or [pattern]:
        if not any(fnmatchcase(claim_id, part) for claim_id in known):
            raise ValueError(f"claims={part!r} matches none of {known}")
    return tuple(c for c in known if any(fnmatchcase(c, part) for part in wanted))


def run(args: argparse.Namespace) -> int:
    """Run the plan; 0 ok, 1 refuted or error, 3 inconclusive under --strict, 130 interrupted."""
    from lpfl.results.store import ResultsWriter, read_results
    from lpfl.verify.environment import run_header
    from lpfl.verify.registry import CHECKS, CLAIMS, REGISTRY
    from lpfl.verify.run_page import write_run_page
    from lpfl.verify.runner import Plan, overall, run_plan
    from lpfl.verify.scenario import scenario_from_json

    plan = Plan(
        claim_ids=select_claims(args.claims, list(CHECKS)),
        profile=args.profile,
        seed=args.seed,
        device=args.device,
        dtype=args.dtype,
        scenario=None if args.scenario is None else scenario_from_json(args.scenario),
    )
    jobs = args.jobs if args.jobs is not None else (1 if args.device != "cpu" else 2)
    if jobs < 1:
        raise ValueError(f"jobs={jobs}, needs >= 1")
    out = Path(args.out)
    results_path, page_path = out / "results.jsonl", out / "index.html"
    keep_previous(results_path)
    total = len(plan.claim_ids)
    claim_records: list[dict[str, Any]] = []
    interrupted = False
    with ResultsWriter(results_path, run_header(plan), overwrite=True) as writer:
        try:
            for records in run_plan(plan, jobs=jobs):
                for record in records:
                    writer.write(record)
                claim_records.append(records[-1])
                show_progress(records[-1], len(claim_records), total)
                if records[-1]["verdict"] == "error":
                    break
        except KeyboardInterrupt:
            interrupted = True
    write_run_page(page_path, read_results(results_path))
    claim_records.sort(key=lambda record: list(CLAIMS).index(record["claim"]))
    print(
        json.dumps(claim_records, indent=1) if args.json else table(claim_records, REGISTRY.broken)
    )
    for pack in REGISTRY.broken:
        print(f"pack {pack.name} could not be loaded: {pack.error}", file=sys.stderr)
    if args.dtype != "float64":
        print(widened(read_results(results_path).observations, args.dtype), file=sys.stderr)
    if not args.json:
        print(f"\nresults: {results_path}\npage:    {page_path}")
    if interrupted:
        print(f"interrupted: {len(claim_records)} of {total} claims kept", file=sys.stderr)
        return INTERRUPTED
    outcome = overall(claim_records)
    if outcome is None:
        failed = next(r for r in claim_records if r["verdict"] == "error")
        print(f"error in {failed['claim']}:\n{failed['worst']['detail']}", file=sys.stderr)
        return 1
    if outcome == "refuted":
        for record in claim_records:
            if record["verdict"] == "refuted":
                print(worst_scenario(record, run_header(plan)), file=sys.stderr)
        return 1
    unclear = outcome == "inconclusive" or REGISTRY.broken
    return INCONCLUSIVE if unclear and args.strict else 0


def keep_previous(results_path: Path) -> None:
    """Rename an earlier results file, so that a new run loses nothing."""
    try:
        if results_path.exists():
            results_path.replace(results_path.with_name("results.previous.jsonl"))
    except OSError as error:
        raise ValueError(f"out={results_path.parent} cannot be written: {error}") from None


def show_progress(record: Mapping[str, Any], done: int, total: int) -> None:
    """Print one line on stderr about a finished claim."""
    width = len(str(total))
    print(
        f"[{done:{width}}/{total}] {record['claim']}  {record['verdict']:<12} "
        f"{record['scenarios']} scenarios  {record['seconds']:.1f} s",
        file=sys.stderr,
        flush=True,
    )


def number(value: float | None) -> str:
    """Return four significant digits, or a dash."""
    return "-" if value is None else f"{value:.4g}"


def table(records: list[dict[str, Any]], broken: Sequence[Any] = ()) -> str:
    """Return the table of claims, the deciding (worst) scenario's numbers; broken packs below."""
    from tabulate import tabulate

    rows = [
        (
            record["claim"],
            record["kind"],
            record["worst"]["part"],
            number(record["worst"]["predicted"]),
            number(record["worst"]["measured"]),
            number(record["margin"]),
            record["verdict"],
        )
        for record in records
    ]
    rows += [(pack.name, "-", "-", "-", "-", "-", "not loaded") for pack in broken]
    headers = ("claim", "kind", "deciding part", "predicted", "measured", "margin", "verdict")
    return tabulate(rows, headers=headers, disable_numparse=True)


def widened(observations: list[dict[str, Any]], dtype: str) -> str:
    """Return which tolerances a lower precision widens, and what became undecidable by it."""
    import torch

    factor = torch.finfo(getattr(torch, dtype)).eps / torch.finfo(torch.float64).eps
    widest: dict[str, float] = {}
    coarse: dict[str, int] = {}
    for record in observations:
        if record["alpha"] == 0.0 and record["tolerance"]:
            name = f"{record['claim']} {record['part']}"
            widest[name] = max(widest.get(name, 0.0), record["tolerance"])
            coarse[name] = coarse.get(name, 0) + (record["outcome"] == "inconclusive")
    lines = [f"{dtype}: epsilon widens these tolerances by about {factor:.2g} against float64"]
    for name, tolerance in widest.items():
        left = f"; undecidable in {coarse[name]} scenarios" if coarse[name] else ""
        lines.append(f"  {name}: up to {tolerance:.2g}{left}")
    return "\n".join(lines)


def worst_scenario(record: Mapping[str, Any], header: Mapping[str, Any]) -> str:
    """Return how to reproduce the worst scenario of a refuted claim."""
    from lpfl.results.reproduce import reproduce_command

    worst = record["worst"]
    return (
        f"{record['claim']} refuted in part {worst['part']!r}: predicted "
        f"{number(worst['predicted'])}, measured {number(worst['measured'])}\n  reproduce: "
        f"{reproduce_command(record['claim'], worst['scenario'], header)}"
    )
