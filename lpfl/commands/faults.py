"""``lpfl faults``: plant every mistake of the catalogue, and see which claims refute it."""

import argparse
import json
from pathlib import Path
from typing import Any

from lpfl.commands.parts.frame import add_command
from lpfl.commands.parts.terminal import print_json, say
from lpfl.commands.parts.trust_options import add_options, require_counts, resumable, write_json
from lpfl.harmless import harmless

SAYS = "plant each known mistake in a process of its own; report which claims refute it"
EPILOG = """\
examples:
  lpfl faults                       the whole catalogue, each by the claim that must see it
  lpfl faults --claims 'SI-*'       the faults of the single-index claims
  lpfl faults --all-claims          every claim on every fault (hours)

The folder keeps what is done: the same command goes on after an interruption. faults.json in it
lists every fault, summary.json counts them per module.
exit codes: 0 every fault is detected; 1 one is not; 2 bad input;
130 interrupted (129 and 143 by a signal)"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "faults", run, says=SAYS, epilog=EPILOG)
    parser.add_argument(
        "--claims", default="*", metavar="PATTERN", help="comma-separated ids or 'LR-*' patterns"
    )
    parser.add_argument(
        "--all-claims", action="store_true", help="try all claims on each fault, not only its own"
    )
    add_options(parser, out="reports/faults", scenarios=24)


def run(args: argparse.Namespace) -> int:
    """Run the catalogue; 0 all detected, 1 not all, 130 interrupted."""
    require_counts(args, scenarios=1, jobs=1)
    return resumable(lambda: detect(args), "lpfl faults")


def detect(args: argparse.Namespace) -> int:
    """Plant, judge, write faults.json and summary.json, and say what was found."""
    from lpfl.environment import environment
    from lpfl.trust.environment import settings_of
    from lpfl.trust.faults import by_place, fault_tasks, summary, try_fault
    from lpfl.trust.journal import Journal
    from lpfl.trust.pool import answer_missing
    from lpfl.verify.registry import CHECKS
    from lpfl.verify.selection import select_claims

    claims = select_claims(args.claims, list(CHECKS))
    tasks = fault_tasks(claims, scenarios=args.scenarios, everywhere=args.all_claims)
    settings = settings_of("faults", scenarios=args.scenarios, all_claims=args.all_claims)
    with Journal(args.out, "faults", settings) as journal:
        records = answer_missing(
            try_fault, journal, tasks, jobs=args.jobs, say=show_progress, fresh=True
        )
        listed = [{name: r[name] for name in r if name != "task"} for r in map(whole, records)]
        write_json(Path(args.out) / "faults.json", listed)
        asked = {"scenarios": args.scenarios, "all_claims": args.all_claims}
        found = {**environment(), "code": settings["code"], **asked, **summary(listed)}
        write_json(Path(args.out) / "summary.json", found)
    if args.json:
        print_json(json.dumps(listed, indent=1))
    else:
        print(table(list(by_place(listed)), listed))
    return 0 if all(record["detected"] for record in listed) else 1


def whole(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record; of a process that was lost, one that detected nothing."""
    if "lost" not in record:
        return record
    name = record["task"][0]
    lost = {"id": name, "target": "", "why": "", "detected": False, "claims": []}
    return {**record, **lost, "scenarios": None, "errors": {"": record["lost"]}}


def show_progress(record: dict[str, Any], number: int, total: int) -> None:
    """Print one line on stderr about a fault."""
    width = len(str(total))
    seen = "detected" if record.get("detected") else "NOT SEEN"
    say(f"[{number:{width}}/{total}] {seen}  {harmless(str(record['task'][0]))}")


def table(places: list[tuple[str, int, int]], records: list[dict[str, Any]]) -> str:
    """Return detected and planted faults per module, and the ones that nothing saw."""
    from tabulate import tabulate

    rows = [(place or "(process lost)", planted, seen) for place, planted, seen in places]
    total = (
        f"{len(rows)} module{'' if len(rows) == 1 else 's'}",
        sum(r[1] for r in rows),
        sum(r[2] for r in rows),
    )
    lines = [tabulate([*rows, total], headers=("module", "faults", "detected"))]
    for record in records:
        if not record["detected"]:
            errors = "".join(f"; {claim}: {said}" for claim, said in record["errors"].items())
            lines.append(harmless(f"not detected: {record['id']} ({record['target']}){errors}"))
    return "\n".join(lines)
