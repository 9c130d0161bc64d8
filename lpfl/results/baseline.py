"""The committed baseline: what a run reached, compact enough to read in a diff."""

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from lpfl.results.rules import first_problem
from lpfl.results.schema import SCHEMA_VERSION, parts_rule, rules_of_baseline
from lpfl.results.store import Results, different_names, write_atomically

_ORIGIN = ("lpfl_version", "profile", "seed", "device", "dtype")
_KEPT = ("verdict", "margin", "margin_std_error", "statistic")


def make_baseline(results: Results) -> dict[str, Any]:
    """Return the baseline of ``results``: origin of the run, then verdict and margin by claim.

    Raises ValueError if the run is incomplete or holds one scenario, or if a claim is refuted or
    ended in an error: a baseline is something to hold on to.
    """
    if not results.complete:
        raise ValueError(f"results lack {', '.join(results.missing)}, needs a complete run")
    if "scenario" in results.header:
        raise ValueError("results hold one scenario picked by hand, needs a run of a profile")
    for name, claim in results.claims.items():
        if claim["verdict"] in ("refuted", "error"):
            raise ValueError(f"{name} is {claim['verdict']}, needs confirmed or inconclusive")
    return {
        "schema_version": SCHEMA_VERSION,
        **{key: results.header[key] for key in _ORIGIN},
        "claims": {
            name: {key: claim[key] for key in _KEPT} | _parts(claim)
            for name, claim in results.claims.items()
        },
    }


def _parts(claim: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of each part; an old record has none."""
    parts = claim.get("parts")
    if not parts:
        return {}
    kept = ("kind", "outcome", "margin", "margin_std_error", "statistic")
    return {
        "parts": {
            name: {key: part[key] for key in kept if key in part} for name, part in parts.items()
        }
    }


def write_baseline(path: str | PathLike[str], baseline: Mapping[str, Any]) -> None:
    """Write ``baseline`` to ``path``, keys sorted, the old file or the whole new one."""
    text = json.dumps(baseline, indent=1, sort_keys=True, allow_nan=False) + "\n"
    write_atomically(Path(path), text)


def read_baseline(path: str | PathLike[str]) -> dict[str, Any] | None:
    """Return the baseline at ``path``, or None if there is no such file.

    Only schema_version is read of a baseline of another schema: the gate calls it stale.

    Raises ValueError naming the path and the field if the file is no baseline.
    """
    source = Path(path)
    try:
        baseline = json.loads(source.read_text(encoding="utf-8"), object_pairs_hook=different_names)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"baseline={source} cannot be read as JSON: {error}") from None
    if not isinstance(baseline, dict) or not isinstance(baseline.get("schema_version"), int):
        raise ValueError(f"baseline={source}: needs an object with a whole schema_version")
    if baseline["schema_version"] != SCHEMA_VERSION:
        return baseline
    shape, of_claim = rules_of_baseline()
    problem = first_problem(baseline, shape, {})
    if problem is None:
        for name, claim in baseline["claims"].items():
            inner = "needs an object" if not isinstance(claim, dict) else None
            inner = inner or first_problem(claim, of_claim, {"parts": parts_rule})
            problem = problem or (f"{name}: {inner}" if inner else None)
    if problem is not None:
        raise ValueError(f"baseline={source}: {problem}")
    return baseline
