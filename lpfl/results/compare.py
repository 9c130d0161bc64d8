"""Two runs side by side: which claims changed their verdict or their margin."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import hypot
from statistics import NormalDist
from typing import Any

from tabulate import tabulate

from lpfl.harmless import flat
from lpfl.results.gate import ROUNDING_GROWTH
from lpfl.results.store import Results

NOT_RUN = "not run"
LEVEL = 0.01  # family-wise, of calling noise a change


@dataclass(frozen=True, kw_only=True)
class Change:
    """One claim that differs between runs ``a`` and ``b``.

    change: margin of b minus margin of a, positive if b lies further inside. z_score: the change
    in standard errors of both, None without noise or without two margins. significance: what the
    change amounts to, see :func:`significance`.
    """

    claim: str
    verdict_a: str
    verdict_b: str
    margin_a: float | None
    margin_b: float | None
    change: float | None
    z_score: float | None
    significance: str


def compare(a: Results, b: Results) -> list[Change]:
    """Return the claims whose verdict or margin differs, in the order of a, then new ones of b.

    A claim that one of the runs lacks counts as changed, with the verdict "not run".
    """
    names = dict.fromkeys([*a.header["claims"], *b.header["claims"]])
    both = sum(name in a.claims and name in b.claims for name in names)
    same = a.header["seed"] == b.header["seed"] and a.header["profile"] == b.header["profile"]
    limit = -NormalDist().inv_cdf(LEVEL / (2 * max(both, 1)))
    rows = [
        _change(name, a.claims.get(name, {}), b.claims.get(name, {}), limit, same) for name in names
    ]
    return [r for r in rows if r.verdict_a != r.verdict_b or r.margin_a != r.margin_b]


def significance(
    a: dict[str, Any], b: dict[str, Any], change: float, noise: float, limit: float, same: bool
) -> str:
    """Say whether the margin of b differs from that of a by more than chance or rounding explain.

    With noise: "significant" beyond ``limit`` standard errors (two-sided, family-wise LEVEL by
    Bonferroni), else "within noise". Without noise: "rounding" if neither statistic exceeds ten
    times the other in an identity; "other scenarios" if the runs did not draw the same ones;
    else "significant", since nothing is random.
    """
    if noise > 0:
        return "significant" if abs(change) > limit * noise else "within noise"
    small, large = sorted((a["statistic"], b["statistic"]))
    if a["kind"] == "identity" and large <= ROUNDING_GROWTH * small:
        return "rounding"
    return "significant" if same else "other scenarios"


def _change(name: str, a: dict[str, Any], b: dict[str, Any], limit: float, same: bool) -> Change:
    margin_a, margin_b = a.get("margin"), b.get("margin")
    change = z_score = None
    means = "not compared"
    if margin_a is not None and margin_b is not None:
        change = margin_b - margin_a
        noise = hypot(a.get("margin_std_error") or 0.0, b.get("margin_std_error") or 0.0)
        z_score = change / noise if noise > 0 else None
        means = significance(a, b, change, noise, limit, same)
    return Change(
        claim=name,
        verdict_a=a.get("verdict", NOT_RUN),
        verdict_b=b.get("verdict", NOT_RUN),
        margin_a=margin_a,
        margin_b=margin_b,
        change=change,
        z_score=z_score,
        significance=means,
    )


def differences_of_origin(a: Results, b: Results) -> list[str]:
    """Return how the two runs were made differently, one sentence a field."""
    keys = ("lpfl_version", "profile", "seed", "device", "dtype", "threads", "versions")
    return [
        f"{key}: {flat(str(a.header[key]))} against {flat(str(b.header[key]))}"
        for key in keys
        if a.header[key] != b.header[key]
    ]


def to_text(rows: Sequence[Change]) -> str:
    """Return the rows as a plain table, or one line if there are none."""
    if not rows:
        return "No claim changed its verdict or its margin."
    cells = [
        [row.claim, row.verdict_a, row.verdict_b]
        + [_number(v) for v in (row.margin_a, row.margin_b, row.change, row.z_score)]
        + [row.significance]
        for row in rows
    ]
    headers = ["claim", "verdict A", "verdict B", "margin A", "margin B", "change", "z", "means"]
    return tabulate(cells, headers=headers, disable_numparse=True)


def to_json(rows: Sequence[Change]) -> str:
    """Return the rows as a JSON list."""
    return json.dumps([asdict(row) for row in rows], indent=1, allow_nan=False)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
