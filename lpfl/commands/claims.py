"""``lpfl claims``: list the statements, or show one in full."""

import argparse
import json
from typing import Any

SAYS = "list the statements, or show one in full"


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("claims", help=SAYS, description=SAYS)
    parser.add_argument("id", nargs="?", help="show this statement in full")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def describe(claim: Any) -> dict[str, Any]:
    """Return a JSON-ready description of a claim."""
    return {
        "id": claim.id,
        "title": claim.title,
        "kind": claim.kind.value,
        "says": claim.says,
        "source": str(claim.source),
        "beyond_paper": claim.beyond_paper,
        "assumptions": [assumption.text for assumption in claim.assumptions],
        "statement": {part: str(rel) for part, rel in claim.relations().items()},
        "kinds": {name: part.kind.value for name, part in claim.parts.items()},
        "definitions": {str(s): str(meaning) for s, meaning in claim.definitions.items()},
    }


def run(args: argparse.Namespace) -> int:
    """Print the claims."""
    from tabulate import tabulate

    from lpfl.report.source_links import source_path
    from lpfl.verify.registry import CHECKS, CLAIMS

    if args.id is not None:
        if args.id not in CLAIMS:
            raise ValueError(f"claim={args.id!r}, needs one of {list(CLAIMS)}")
        fields = describe(CLAIMS[args.id])
        fields["formula_at"] = source_path(*CLAIMS[args.id].defined_at)
        fields["check_at"] = source_path(*CHECKS[args.id].defined_at)
        print(json.dumps(fields, indent=1) if args.json else _readable(fields))
        return 0
    claims = [describe(claim) for claim in CLAIMS.values()]
    if args.json:
        print(json.dumps(claims, indent=1))
        return 0
    rows = [
        (c["id"], c["kind"], ("+ " if c["beyond_paper"] else "  ") + c["title"]) for c in claims
    ]
    print(tabulate(rows, headers=("id", "kind", "title (+ beyond the paper)")))
    return 0


def _readable(fields: dict[str, Any]) -> str:
    lines = [f"{fields['id']}  {fields['title']}  [{fields['kind']}]", "", fields["says"], ""]
    for part, relation in fields["statement"].items():
        lines.append(f"  {part} [{fields['kinds'][part]}]: {relation}")
    if fields["definitions"]:
        lines.append("where")
        lines += [f"  {symbol} = {meaning}" for symbol, meaning in fields["definitions"].items()]
    if fields["assumptions"]:
        lines.append("assuming")
        lines += [f"  {text}" for text in fields["assumptions"]]
    lines += [f"source: {fields['source']}"]
    lines += [f"formula: {fields['formula_at']}", f"check: {fields['check_at']}"]
    return "\n".join(lines)
