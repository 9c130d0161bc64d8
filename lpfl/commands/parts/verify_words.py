"""What ``lpfl verify`` says about records: progress, table, tolerances, how to reproduce."""

from collections.abc import Mapping, Sequence
from typing import Any

from lpfl.commands.parts.claim_words import formula, unicode_shown
from lpfl.commands.parts.terminal import say

LONGEST_QUANTITY = 22
MARGINS = """
margin: how far inside its limit the deciding number lies, as a share of what is allowed: 1 shows
no sign of a violation, 0 is on the limit. An attained bound has 0 by nature. An ordering counts in
units of what matters, so it may pass 1. A difference of matrices is predicted to be 0."""


def show_progress(record: Mapping[str, Any], done: int, total: int) -> None:
    """Print one line on stderr about a finished claim."""
    width = len(str(total))
    say(
        f"[{done:{width}}/{total}] {record['claim']}  {record['verdict']:<12} "
        f"{record['scenarios']} scenarios  {record['seconds']:.1f} s"
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
            quantity(record["claim"], record["worst"]["part"]),
            number(record["worst"]["predicted"]),
            number(record["worst"]["measured"]),
            number(record["margin"]),
            checked_on(record.get("region", {})),
            record["verdict"],
        )
        for record in records
    ]
    rows += [(pack.name, "-", "-", "-", "-", "-", "-", "-", "not loaded") for pack in broken]
    numbers = ("predicted", "measured", "margin")
    headers = ("claim", "kind", "deciding part", "quantity", *numbers, "checked on", "verdict")
    return f"{tabulate(rows, headers=headers, disable_numparse=True)}\n{MARGINS}"


def quantity(claim_id: str, part: str) -> str:
    """Return the left side of a part's relation: what predicted and measured are values of.

    A long one, or that of a measurement beyond the statement, is a dash; ``lpfl claims`` has it.
    """
    from lpfl.verify.registry import CLAIMS

    relations = CLAIMS[claim_id].relations() if claim_id in CLAIMS else {}
    relation = relations.get(part.partition(":")[0])
    if relation is None or not relation.args:
        return "-"
    written = formula(relation.args[0], latex=False, pretty=unicode_shown())
    return written if "\n" not in written and len(written) <= LONGEST_QUANTITY else "-"


def checked_on(region: Mapping[str, Any]) -> str:
    """Return dimensions and condition numbers of the scenarios in a few characters."""
    said = []
    for name, letter in (("input_dim", "d"), ("condition_number", "κ")):
        if name in region and region[name][1] > 1.0:
            low, high = (f"{value:.3g}" for value in region[name])
            said.append(f"{letter} {low}" if low == high else f"{letter} {low}-{high}")
    return ", ".join(said) or "-"


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
