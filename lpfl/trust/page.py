"""How the checks themselves were tested, in a few rows for the page of a run."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def page_rows(reports: Path) -> list[tuple[str, str]]:
    """Return (what, number) for what lies in a folder of reports; nothing for what is not there.

    Reads calibration/calibration.json, faults/summary.json, mutants/mutants.json and
    gate/gate_errors.json. Raises ValueError if one of them is none of ours.
    """
    rows: list[tuple[str, str]] = []
    for place, words in (
        ("calibration/calibration.json", _calibration),
        ("faults/summary.json", _faults),
        ("mutants/mutants.json", _mutants),
        ("gate/gate_errors.json", _gate),
    ):
        path = reports / place
        if not path.is_file():
            continue
        try:
            rows += words(json.loads(path.read_text(encoding="utf-8")))
        except (LookupError, AttributeError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"{path} is no such report: {type(error).__name__}: {error}") from None
    return rows


def _calibration(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    runs, refuted, left = found["claim_runs"], found["refuted"], found["inconclusive"]
    most = 100.0 * found["refuted_interval"][1]
    yield (
        "True statements checked again with fresh seeds",
        f"{refuted} of {runs} refuted (at most {most:.2g} %, confidence 95 %), {left} left open",
    )
    if found["p_values"]:
        yield (
            "p-values of exact laws",
            f"{found['p_values']} from {found['exact_laws']} laws; all uniform: "
            f"p = {found['uniform']:.2g}",
        )
    means = found["intervals"]
    if means["count"]:
        yield (
            "Intervals of 95 % around measured means",
            f"{means['reach_the_statement']} of {means['count']} reach the statement",
        )


def _faults(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield (
        "Known mistakes planted",
        f"{found['detected']} of {found['faults']} refuted by the claims",
    )


def _mutants(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    text = f"{found['killed_by_verify']} of {found['mutants']} seen by the claims"
    if any("suite" in record for record in found["listed"]):
        text += f", {found['killed_by_verify_or_tests']} with the tests"
    yield "Small changes made by a program", text


def _gate(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    seeds, faults = found["seeds"], found["faults"]
    most = 100.0 * seeds["interval"][1]
    yield (
        "Gate on unchanged code",
        f"{seeds['false_alarms']} false alarms in {seeds['runs']} runs "
        f"(at most {most:.2g} %, confidence 95 %)",
    )
    yield "Gate on planted faults", f"{faults['caught']} of {faults['planted']} caught"
