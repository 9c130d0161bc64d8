"""``lpfl claims``: list the statements, or show some in full."""

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

from lpfl.commands.parts.claim_words import (
    formula,
    last_verdicts,
    letters_of,
    paper_rows,
    readable,
    unicode_shown,
)
from lpfl.commands.parts.frame import add_command
from lpfl.commands.parts.terminal import print_json
from lpfl.hint import did_you_mean

SAYS = "list the statements, or show some in full"
EPILOG = """\
examples:
  lpfl claims                      all statements
  lpfl claims lr-08                one in full, with the place of formula and check
  lpfl claims 'SI-1*'              those that match a pattern
  lpfl claims damping noise        those whose text has both words
  lpfl claims LR-08 --latex        formulas as LaTeX
  lpfl claims --paper              what rests on the paper: place, statement, last verdict

exit codes: 0 found; 2 nothing has this id, matches this pattern or has these words"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "claims", run, says=SAYS, epilog=EPILOG)
    parser.add_argument("words", nargs="*", help="an id, a pattern, or words; capitals or not")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--latex", action="store_true", help="print formulas as LaTeX")
    parser.add_argument(
        "--paper", action="store_true", help="the places of the paper and what became of each"
    )


def describe(claim: Any, *, latex: bool = False, pretty: bool = False) -> dict[str, Any]:
    """Return a JSON-ready description of a claim."""

    def write(expression: Any) -> str:
        return formula(expression, latex=latex, pretty=pretty)

    return {
        "id": claim.id,
        "title": claim.title,
        "kind": claim.kind.value,
        "says": claim.says,
        "source": str(claim.source),
        "beyond_paper": claim.beyond_paper,
        "assumptions": [assumption.text for assumption in claim.assumptions],
        "statement": {part: write(rel) for part, rel in claim.relations().items()},
        "kinds": {name: part.kind.value for name, part in claim.parts.items()},
        "definitions": {write(s): write(meaning) for s, meaning in claim.definitions.items()},
        "letters": letters_of(claim, latex=latex, pretty=pretty),
    }


def run(args: argparse.Namespace) -> int:
    """Print the claims."""
    from tabulate import tabulate

    from lpfl.verify.registry import CLAIMS

    names = found(args.words, CLAIMS)
    if args.paper:
        return show_paper({name: CLAIMS[name] for name in names}, as_json=args.json)
    if (args.words and len(names) == 1) or args.latex:
        pretty = unicode_shown() and not args.json
        shown = [in_full(name, latex=args.latex, pretty=pretty) for name in names]
        one_asked = len(names) == 1
        if args.json:
            print_json(json.dumps(shown[0] if one_asked else shown, indent=1))
        else:
            last = last_verdicts(names)
            print("\n\n".join(readable(one, last.get(one["id"], "")) for one in shown))
        return 0
    claims = [describe(CLAIMS[name]) for name in names]
    if args.json:
        print_json(json.dumps(claims, indent=1))
        return 0
    rows = [
        (c["id"], c["kind"], ("+ " if c["beyond_paper"] else "  ") + c["title"]) for c in claims
    ]
    print(tabulate(rows, headers=("id", "kind", "title (+ beyond the paper)")))
    return 0


def show_paper(claims: Mapping[str, Any], *, as_json: bool) -> int:
    """Print what rests on the paper; what was not seen of it is said."""
    from tabulate import tabulate

    last = last_verdicts(list(claims))
    headers = ("in the paper", "its text", "claim", "last verdict")
    rows = [(*row, last.get(row[2], "not run here")) for row in paper_rows(claims)]
    if as_json:
        print_json(json.dumps([dict(zip(headers, row, strict=True)) for row in rows], indent=1))
    else:
        print(tabulate(rows, headers=headers))
    return 0


def in_full(name: str, *, latex: bool, pretty: bool) -> dict[str, Any]:
    """Return the description of a claim with the places of its formula and its check."""
    from lpfl.report.source_links import source_path
    from lpfl.verify.registry import CHECKS, CLAIMS

    return {
        **describe(CLAIMS[name], latex=latex, pretty=pretty),
        "formula_at": source_path(*CLAIMS[name].defined_at),
        "check_at": source_path(*CHECKS[name].defined_at),
    }


def found(words: Sequence[str], claims: Mapping[str, Any]) -> list[str]:
    """Return the ids that ``words`` name: an id, a pattern of ids, or words of the statements.

    Raises ValueError if nothing is found, with the ids that look like what was asked.
    """
    from lpfl.verify.selection import nearest, select_claims, shape_of

    if not words:
        return list(claims)
    if not any(word.strip(" ,") for word in words):
        raise ValueError(f"claim={words[0]!r}, needs an id, a pattern or words")
    try:
        return list(select_claims(",".join(words), list(claims)))
    except ValueError:
        having = [name for name, claim in claims.items() if _has(claim, words)]
    if having:
        return having
    asked = " ".join(words)
    hint = did_you_mean(nearest(asked, list(claims)))
    raise ValueError(f"claim={asked!r}, needs one of {shape_of(list(claims))} or words{hint}")


def _has(claim: Any, words: Sequence[str]) -> bool:
    texts = (claim.title, claim.says, str(claim.source), *(a.text for a in claim.assumptions))
    whole = " ".join(texts).lower()
    return all(word.lower() in whole for word in words)
