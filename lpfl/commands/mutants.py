"""``lpfl mutants``: small slips in the code, made by a program; who would have seen them."""

import argparse
import json
from pathlib import Path
from typing import Any

from lpfl.commands.parts.frame import add_command
from lpfl.commands.parts.terminal import print_json, say
from lpfl.commands.parts.trust_options import add_options, require_counts, resumable, write_json
from lpfl.harmless import harmless

SAYS = "change the code in one place, many times; report which changes a run would have seen"
EPILOG = """\
examples:
  lpfl mutants                        400 changes, first the claims, then the tests
  lpfl mutants --count 1000           more of the same sample
  lpfl mutants --in lpfl.optim        of the optimizers alone
  lpfl mutants --without-tests        what verification alone would have seen

The folder keeps what is done: the same command goes on after an interruption. EQUIVALENT.json in
it (or --equivalent) names changes that change nothing, each with the reason.
exit codes: 0 every change is seen; 1 one is not; 2 bad input;
130 interrupted (129 and 143 by a signal)"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "mutants", run, says=SAYS, epilog=EPILOG)
    parser.add_argument("--count", type=int, default=400, help="changes sampled (default 400)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the sample (default 0)")
    parser.add_argument(
        "--in", dest="place", default="", metavar="MODULE", help="a package or module to change"
    )
    parser.add_argument(
        "--seconds", type=int, default=30, help="processor time per change and part (default 30)"
    )
    parser.add_argument("--without-tests", action="store_true", help="run the claims only")
    parser.add_argument("--equivalent", metavar="FILE", help="JSON: name of a change -> reason")
    add_options(parser, out="reports/mutants", scenarios=2)


def run(args: argparse.Namespace) -> int:
    """Make the changes; 0 all seen, 1 not all, 130 interrupted."""
    require_counts(args, count=1, seed=0, scenarios=1, jobs=1, seconds=1)
    return resumable(lambda: judge(args), "lpfl mutants")


def judge(args: argparse.Namespace) -> int:
    """Map, change, run, write mutants.json and say what was found."""
    from lpfl.environment import code_fingerprint, environment
    from lpfl.trust.mutants import all_mutants, counts, sample

    equivalent = reasons(args)
    mutants = {
        name: m for name, m in all_mutants().items() if f"{m.module}.".startswith(args.place)
    }
    if not mutants:
        raise ValueError(f"in={args.place!r}, needs a module under optim, problems, measure, ...")
    chosen = sample(list(mutants), args.count, args.seed)
    records = by_claims(args, chosen)
    if not args.without_tests:
        by_tests(args, records)
    for record in records:
        mutant = mutants[record["id"]]
        record |= {"module": mutant.module, "line": mutant.line, "guard": mutant.guard}
        if record["id"] in equivalent:
            record["equivalent"] = equivalent[record["id"]]
    found = {
        **environment(),
        "code": code_fingerprint(),
        "seed": args.seed,
        "scenarios": args.scenarios,
        "seconds": args.seconds,
        "places": len(mutants),
        **counts(records, equivalent),
        "listed": records,
    }
    write_json(Path(args.out) / "mutants.json", found)
    if args.json:
        print_json(json.dumps(found, indent=1))
    else:
        print(words(found))
    return 1 if found["survivors"] else 0


def reasons(args: argparse.Namespace) -> dict[str, str]:
    """Return why some changes change nothing; raise ValueError if the file is no such list."""
    path = Path(args.equivalent or Path(args.out) / "EQUIVALENT.json")
    if not args.equivalent and not path.exists():
        return {}
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"equivalent={path} cannot be read: {error}") from None
    if not isinstance(read, dict) or not all(isinstance(v, str) and v for v in read.values()):
        raise ValueError(f"equivalent={path}, needs an object of names and reasons")
    return read


def by_claims(args: argparse.Namespace, chosen: list[str]) -> list[dict[str, Any]]:
    """Return what the claims say about each change."""
    from lpfl.trust.coverage import built_from, executed, exercising
    from lpfl.trust.environment import settings_of
    from lpfl.trust.journal import Journal
    from lpfl.trust.mutants import all_mutants, try_mutant
    from lpfl.trust.pool import answer_missing
    from lpfl.verify.registry import CHECKS

    settings = settings_of("mutants", scenarios=args.scenarios)
    with Journal(args.out, "coverage", settings) as journal:
        asked = [(claim, 1) for claim in CHECKS]
        mapped = answer_missing(executed, journal, asked, jobs=args.jobs, say=show_claim)
    entered = {record["task"][0]: record for record in mapped if "lost" not in record}
    tasks = []
    for name in chosen:
        mutant = all_mutants()[name]
        built = built_from(mutant.module)
        claims = exercising(mutant.module, mutant.function, entered, built)
        tasks.append((name, ",".join(claims), args.scenarios, args.seconds))
    with Journal(args.out, "mutants", settings) as journal:
        answers = answer_missing(
            try_mutant, journal, tasks, jobs=args.jobs, say=show_progress, fresh=True
        )
    return [
        {
            "id": name,
            "claims": len(claims.split(",")) if claims else 0,
            "outcome": answer.get("outcome", "error"),
            **{k: answer[k] for k in ("claim", "scenario", "error", "lost") if k in answer},
        }
        for (name, claims, *_), answer in zip(tasks, answers, strict=True)
    ]


def by_tests(args: argparse.Namespace, records: list[dict[str, Any]]) -> None:
    """Add to each change that no claim saw what the tests of its module say.

    A test that fails without the change too has not seen it.
    """
    from lpfl.trust.environment import settings_of
    from lpfl.trust.journal import Journal
    from lpfl.trust.mutant_tests import alone, tests_of, try_tests
    from lpfl.trust.mutants import all_mutants, killed_by_verify
    from lpfl.trust.pool import answer_missing

    left = [record for record in records if not killed_by_verify(record)]
    tasks = []
    for record in left:
        mutant = all_mutants()[record["id"]]
        files = tests_of(mutant.module, mutant.function)
        tasks.append((mutant.name, ",".join(files), 2 * args.seconds))
    with Journal(args.out, "tests", settings_of("mutants", scenarios=0)) as journal:

        def answered(asked: list[tuple[str, str, int]]) -> list[dict[str, Any]]:
            return answer_missing(
                try_tests, journal, asked, jobs=args.jobs, say=show_progress, fresh=True
            )

        answers = answered(tasks)
        failed = sorted({alone(a["by"]) for a in answers if "::" in a.get("by", "")})
        controls = answered([("", test, 2 * args.seconds) for test in failed])
    sound = {test for test, a in zip(failed, controls, strict=True) if a.get("suite") == "passed"}
    for record, answer in zip(left, answers, strict=True):
        record["suite"] = answer.get("suite", "unfinished")
        record["by"] = answer.get("by", answer.get("lost", ""))
        if "::" in record["by"] and alone(record["by"]) not in sound:
            record["suite"] = "fails without the change"


def show_claim(record: dict[str, Any], number: int, total: int) -> None:
    """Print one line on stderr about a claim whose functions were recorded."""
    entered = len(record.get("functions", ()))
    say(f"[{number:{len(str(total))}}/{total}] {record['task'][0]} enters {entered} functions")


def show_progress(record: dict[str, Any], number: int, total: int) -> None:
    """Print one line on stderr about a change."""
    said = record.get("outcome") or record.get("suite") or "lost"
    by = record.get("claim") or record.get("by") or ""
    about = harmless(f"{by}  {record['task'][0] or '(nothing changed)'}")
    say(f"[{number:{len(str(total))}}/{total}] {said} {about}")


def words(found: dict[str, Any]) -> str:
    """Return the result in a few lines, and the changes that nothing saw."""
    total = found["mutants"]
    lines = [
        f"changes            {total} of {found['places']} places (seed {found['seed']}), "
        f"{found['equivalent']} more change nothing",
        f"seen by the claims {found['killed_by_verify']} of {total}: "
        + ", ".join(f"{count} {name}" for name, count in sorted(found["outcomes"].items())),
        f"with the tests     {found['killed_by_verify_or_tests']} of {total}",
    ]
    return "\n".join([*lines, *(harmless(f"not seen: {name}") for name in found["survivors"])])
