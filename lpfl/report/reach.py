"""Where a claim was looked at and what would have been noticed, in a few words."""

from collections.abc import Mapping, Sequence
from typing import Any

from lpfl.report.numerals import short

_LETTERS = {"input_dim": "d", "condition_number": "κ"}
_MOST_FIELDS = 14


def sizes(region: Mapping[str, Any]) -> str:
    """Return dimension and condition number of the scenarios: ``d 3–100, κ 1–389``."""
    said = [f"{sign} {_range(region[name])}" for name, sign in _LETTERS.items() if name in region]
    return ", ".join(said)


def region_words(region: Mapping[str, Any]) -> str:
    """Return all ranges and words of the region, dimension and condition number first."""
    said = [sizes(region)] if sizes(region) else []
    others = {name: value for name, value in region.items() if name not in _LETTERS}
    said += [f"{_spoken(name)} {_range(value)}" for name, value in others.items() if value]
    more = len(said) - _MOST_FIELDS
    return ", ".join(said[:_MOST_FIELDS]) + (f", {more} further fields" if more > 0 else "")


def if_wrong_words(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Return in how many scenarios an error of the prediction would have been refuted.

    Errors beyond the first that always would are not said; the largest that never would is named
    as out of reach, or as one that leaves scenarios open.
    """
    if not counts:
        return ""
    shares = sorted(counts, key=_share)
    totals = [sum(counts[share].values()) for share in shares]
    refuted = [counts[share].get("refuted", 0) for share in shares]
    always = [share for share, r, t in zip(shares, refuted, totals, strict=True) if r == t]
    needed = shares.index(always[0]) + 1 if always else len(shares)
    errors = ", ".join(short(100 * _share(share), 3) for share in shares[:needed])
    if len(set(totals[:needed])) == 1:
        seen = f"{', '.join(map(str, refuted[:needed]))} of {totals[0]}"
    else:
        pairs = zip(refuted[:needed], totals[:needed], strict=True)
        seen = ", ".join(f"{r} of {t}" for r, t in pairs)
    never = [share for share, r in zip(shares, refuted, strict=True) if r == 0]
    return f"{errors} % off refuted in {seen}" + _out_of_reach(counts, never)


def _out_of_reach(counts: Mapping[str, Mapping[str, int]], never: Sequence[str]) -> str:
    """Return what the largest error that no scenario refutes would have done instead."""
    if not never:
        return ""
    largest = never[-1]
    doubted = counts[largest].get("inconclusive", 0)
    off = f"{short(100 * _share(largest), 3)} %"
    if doubted:
        return f"; {off} would leave {doubted} open"
    return f"; {off} would pass: tolerance and interval are wider"


def _share(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _spoken(name: str) -> str:
    return name.replace("_", " ").replace(".", " ")


def _range(value: Any) -> str:
    if value and isinstance(value[0], str):
        return " or ".join(_spoken(word) for word in value)
    low, high = (short(end, 3) for end in value)
    return low if low == high else f"{low}–{high}"
