"""Small results for the tests of the file, the page, the gate and the comparison."""

from typing import Any

from lpfl.results.store import Results


def header(claims: list[str], **changes: Any) -> dict[str, Any]:
    return {
        "type": "header",
        "schema_version": 2,
        "lpfl_version": "0.1.0",
        "profile": "quick",
        "seed": 0,
        "device": "cpu",
        "device_name": "a laptop",
        "dtype": "float64",
        "threads": 1,
        "versions": {"python": "3.11.9", "torch": "2.6.0"},
        "claims": claims,
        "alpha_total": 1e-4,
        "started": "2026-01-02T03:04:05+00:00",
    } | changes


def observation(claim: str = "LR-08", **changes: Any) -> dict[str, Any]:
    return {
        "type": "observation",
        "claim": claim,
        "kind": "bound",
        "part": "one step",
        "scenario": {"d": 8, "k": 2, "log10_cond": 1.5, "seed": 3},
        "outcome": "confirmed",
        "predicted": 0.8,
        "measured": 0.6,
        "tolerance": 1e-12,
        "statistic": 0.75,
        "margin": 0.25,
        "margin_std_error": 0.0,
        "alpha": 0.0,
        "detectable": None,
        "samples_needed": None,
        "replicates": 1,
        "detail": "",
    } | changes


def claim_line(claim: str = "LR-08", **changes: Any) -> dict[str, Any]:
    return {
        "type": "claim",
        "claim": claim,
        "kind": "bound",
        "verdict": "confirmed",
        "scenarios": 1,
        "replicates": 1,
        "alpha": 0.0,
        "statistic": 0.75,
        "margin": 0.25,
        "margin_std_error": 0.0,
        "detectable": None,
        "samples_needed": None,
        "worst": {
            "scenario": {"d": 8, "k": 2, "log10_cond": 1.5, "seed": 3},
            "part": "one step",
            "predicted": 0.8,
            "measured": 0.6,
            "detail": "",
        },
        "seconds": 0.5,
    } | changes


def results(*lines: dict[str, Any], selected: list[str] | None = None, **changes: Any) -> Results:
    """Results of the given claim lines; those of ``selected`` without a line are missing."""
    claims = {line["claim"]: line for line in lines}
    head = header(selected if selected is not None else list(claims), **changes)
    missing = [name for name in head["claims"] if name not in claims]
    return Results(head, [], claims, not missing, [f"incomplete: {missing}"] if missing else [])
