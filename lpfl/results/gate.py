"""Results against their bounds and against a committed baseline: pure functions of both.

A margin is how far inside its limit a claim was found, in units of what the limit allows: 1 is
no sign of a violation, 0 is on the limit. ``effect=0.1`` lets a claim lose a tenth of what it is
allowed before anything is said: less than that is no news to a user, since the claim still holds.
A loss beyond it counts only if noise does not explain it: its z-score must pass a family-wise
level (Bonferroni over all comparisons). Margins without noise have standard error 0, and the
effect alone decides. A claim is compared as a whole and part by part, each part by its own kind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import hypot, inf
from statistics import NormalDist
from typing import Any

from lpfl.results.schema import SCHEMA_VERSION
from lpfl.results.store import Results

DEFAULT_EFFECT = 0.1
DEFAULT_SIGNIFICANCE = 1e-4
# An identity's margin is about rounding: besides the effect its error must have grown tenfold.
ROUNDING_GROWTH = 10.0


class ExitCode(IntEnum):
    """What the command returns; 2 is kept for wrong usage (a ValueError)."""

    OK = 0
    FAILED = 1
    INCONCLUSIVE = 3
    NO_BASELINE = 4


@dataclass(frozen=True, kw_only=True)
class GateRow:
    """The judgement on one claim.

    status: "ok", "refuted", "error", "not run", "regression", "not confirmed" (a regression that a
    second look did not show), "inconclusive" or "not compared".
    change: margin minus baseline margin. z_score: the loss in standard errors (inf without
    noise). certain: a loss without noise, or a part that is gone. message: one sentence for people.
    """

    claim: str
    status: str
    verdict: str
    margin: float | None = None
    baseline_margin: float | None = None
    change: float | None = None
    z_score: float | None = None
    certain: bool = False
    message: str = ""

    @property
    def failed(self) -> bool:
        """The row alone makes the gate fail."""
        return self.status in ("refuted", "error", "not run", "regression")


@dataclass(frozen=True, kw_only=True)
class GateReport:
    """All rows, what is wrong with the baseline, remarks, and the exit code they amount to."""

    rows: tuple[GateRow, ...]
    stale: tuple[str, ...]
    notes: tuple[str, ...]
    effect: float
    z_limit: float
    strict: bool
    exit_code: ExitCode

    def count(self, status: str) -> int:
        """Return the number of rows with this status."""
        return sum(row.status == status for row in self.rows)


def gate(
    results: Results,
    baseline: Mapping[str, Any] | None,
    *,
    strict: bool = False,
    effect: float = DEFAULT_EFFECT,
    significance: float = DEFAULT_SIGNIFICANCE,
    z_limit: float | None = None,
    where: str = "",
) -> GateReport:
    """Judge ``results``, absolutely and against ``baseline`` (None: there is none).

    strict: an inconclusive claim is not let through. effect: loss of margin let through.
    significance: family-wise probability of calling noise a regression. z_limit: standard errors
    that a loss must pass, instead of the limit that follows from it. where: path of the baseline,
    for messages.

    Of several reasons the first of failed, no usable baseline, inconclusive gives the exit code.
    Raises ValueError if effect < 0 or significance lies outside (0, 1).
    """
    if not 0 <= effect < inf:
        raise ValueError(f"effect={effect}, needs a finite number >= 0")
    if not 0 < significance < 1:
        raise ValueError(f"significance={significance}, needs 0 < significance < 1")
    stale, comparable = _staleness(results, baseline, where)
    old = baseline["claims"] if baseline is not None and comparable else {}
    compared = sum(
        1 + len(common_parts(claim, old[name]))
        for name, claim in results.claims.items()
        if name in old
    )
    if z_limit is None:
        z_limit = -NormalDist().inv_cdf(significance / max(1, compared))
    rows = tuple(
        _row(name, results.claims.get(name), old.get(name), effect, z_limit)
        for name in results.header["claims"]
    )
    return GateReport(
        rows=rows,
        stale=tuple(stale),
        notes=tuple(_notes(results, baseline, comparable)),
        effect=effect,
        z_limit=z_limit,
        strict=strict,
        exit_code=exit_code(rows, stale, strict),
    )


def exit_code(rows: Sequence[GateRow], stale: Sequence[str], strict: bool) -> ExitCode:
    """Return what rows and a stale baseline amount to."""
    if any(row.failed for row in rows):
        return ExitCode.FAILED
    if stale:
        return ExitCode.NO_BASELINE
    if strict and any(row.verdict == "inconclusive" for row in rows):
        return ExitCode.INCONCLUSIVE
    return ExitCode.OK


def _staleness(
    results: Results, baseline: Mapping[str, Any] | None, where: str
) -> tuple[list[str], bool]:
    """Return why the baseline does not fit, and whether its margins may be compared at all."""
    if baseline is None:
        at = f" at {where}; make it: lpfl baseline RESULTS --out {where}" if where else ""
        return [f"there is no baseline{at}"], False
    if baseline["schema_version"] != SCHEMA_VERSION:
        found = baseline["schema_version"]
        return [f"baseline has schema_version={found}, needs {SCHEMA_VERSION}"], False
    stale = [
        f"baseline has {key}={baseline[key]!r}, the results have {results.header[key]!r}"
        for key in ("profile", "dtype")
        if baseline[key] != results.header[key]
    ]
    comparable = not stale
    selected = results.header["claims"]
    stale += [
        f"{name} is not in the baseline" for name in selected if name not in baseline["claims"]
    ]
    stale += [
        f"{name} is in the baseline only" for name in baseline["claims"] if name not in selected
    ]
    return stale, comparable


def _notes(results: Results, baseline: Mapping[str, Any] | None, comparable: bool) -> list[str]:
    notes = list(results.problems)
    if baseline is not None and comparable:
        notes += [
            f"the baseline was made with {key}={baseline[key]!r}, the results with "
            f"{results.header[key]!r}"
            for key in ("lpfl_version", "device")
            if baseline[key] != results.header[key]
        ]
    if baseline is not None and comparable and baseline["seed"] != results.header["seed"]:
        notes.append(
            f"seeds differ (baseline {baseline['seed']}, results {results.header['seed']}): other "
            "scenarios were drawn, which the standard errors do not cover; --confirm looks at a "
            "loss again on those of the baseline"
        )
    return notes


def _row(
    name: str,
    claim: Mapping[str, Any] | None,
    old: Mapping[str, Any] | None,
    effect: float,
    z_limit: float,
) -> GateRow:
    if claim is None:
        return GateRow(
            claim=name, status="not run", verdict="not run", message="selected, but has no outcome"
        )
    verdict, margin = claim["verdict"], claim["margin"]
    if verdict in ("refuted", "error"):
        return GateRow(
            claim=name,
            status=verdict,
            verdict=verdict,
            margin=margin,
            baseline_margin=None if old is None else old["margin"],
            message=_worst_in_words(claim["worst"]) or f"the verdict is {verdict}",
        )
    if old is None:
        status = "inconclusive" if verdict == "inconclusive" else "not compared"
        return GateRow(claim=name, status=status, verdict=verdict, margin=margin)
    whole = _comparison(claim["kind"], claim, old, effect, z_limit)
    messages = [f"margin fell from {old['margin']:.4g} to {margin:.4g}"] if whole.lost else []
    parts, certain = _lost_parts(claim, old, effect, z_limit)
    messages += parts
    status = "regression" if messages else ("inconclusive" if verdict == "inconclusive" else "ok")
    return GateRow(
        claim=name,
        status=status,
        verdict=verdict,
        margin=margin,
        baseline_margin=old["margin"],
        change=whole.change,
        z_score=whole.z_score,
        certain=certain or (whole.lost and whole.noise == 0),
        message="; ".join(messages),
    )


@dataclass(frozen=True)
class _Change:
    """A margin against its baseline: the change, the loss in standard errors, the judgement."""

    change: float
    z_score: float
    noise: float
    lost: bool


def _worst_in_words(worst: Mapping[str, Any]) -> str:
    """Return the part that failed worst, its two numbers where it has them, and its detail."""
    measured, predicted = worst.get("measured"), worst.get("predicted")
    numbers = ""
    if measured is not None and predicted is not None:
        numbers = f"{worst.get('part')}: measured {measured:.4g}, predicted {predicted:.4g}"
    return "; ".join(words for words in (numbers, worst.get("detail")) if words)


def _comparison(
    kind: str, new: Mapping[str, Any], old: Mapping[str, Any], effect: float, z_limit: float
) -> _Change:
    change = new["margin"] - old["margin"]
    noise = hypot(new["margin_std_error"], old["margin_std_error"])
    z_score = -change / noise if noise > 0 else (inf if change < 0 else 0.0)
    lost = -change > effect and z_score > z_limit
    if kind == "identity" and noise == 0 and new["statistic"] <= ROUNDING_GROWTH * old["statistic"]:
        lost = False  # an error of rounding size, which differs between machines
    return _Change(change, z_score, noise, lost)


def common_parts(new: Mapping[str, Any], old: Mapping[str, Any]) -> list[str]:
    """Return the parts that both a claim record and its baseline have numbers for."""
    now, before = new.get("parts") or {}, old.get("parts") or {}
    return [name for name in before if "margin" in before[name] and "margin" in now.get(name, {})]


def _lost_parts(
    new: Mapping[str, Any], old: Mapping[str, Any], effect: float, z_limit: float
) -> tuple[list[str], bool]:
    """Say which parts lost margin or are no longer confronted; whether noise has no share in it."""
    said, certain = [], False
    now, before = new.get("parts") or {}, old.get("parts") or {}
    for name in common_parts(new, old):
        change = _comparison(now[name]["kind"], now[name], before[name], effect, z_limit)
        if change.lost:
            fell = f"{before[name]['margin']:.4g} to {now[name]['margin']:.4g}"
            said.append(f"part {name!r}: margin fell from {fell}")
            certain |= change.noise == 0
    for name, part in before.items():
        if "margin" in part and now and "margin" not in now.get(name, {}):
            said.append(f"part {name!r} is no longer confronted")
            certain = True
    return said, certain
