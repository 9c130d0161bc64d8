"""Some claims of a run or of a baseline, as if nothing else had been selected."""

from collections.abc import Collection, Mapping
from typing import Any

from lpfl.results.store import Results


def narrowed(results: Results, names: Collection[str]) -> Results:
    """Return the claims ``names`` of a run; what was said about the others' absence goes."""
    claims = {name: claim for name, claim in results.claims.items() if name in names}
    selected = [name for name in results.header["claims"] if name in names]
    missing = [name for name in selected if name not in claims]
    kept = [line for line in results.problems if not line.startswith("incomplete:")]
    if missing:
        kept.append(f"incomplete: without {', '.join(missing)}")
    observations = [record for record in results.observations if record["claim"] in names]
    header = {**results.header, "claims": selected}
    return Results(header, observations, claims, not missing, kept)


def narrowed_baseline(baseline: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return a baseline of the claims ``names``; one of another schema stays as it is."""
    claims = baseline.get("claims")
    if not isinstance(claims, Mapping):
        return dict(baseline)
    return {**baseline, "claims": {name: c for name, c in claims.items() if name in names}}
