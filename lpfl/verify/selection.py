"""Which claims a pattern names."""

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from lpfl.hint import did_you_mean


def select_claims(pattern: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return the known ids that match comma-separated ids or patterns, in order, case-blind.

    Raises ValueError naming a pattern that matches nothing, and ids that look like it.
    """
    wanted = [part.strip() for part in pattern.split(",") if part.strip()]
    for part in wanted or [pattern]:
        if not any(_fits(claim_id, part) for claim_id in known):
            hint = did_you_mean(nearest(part, known))
            raise ValueError(f"claims={part!r} matches none of {shape_of(known)}{hint}")
    return tuple(c for c in known if any(_fits(c, part) for part in wanted))


def shape_of(known: Sequence[str]) -> str:
    """Return ids in short: ``72 claims (LR-*, SI-*)``."""
    packs = dict.fromkeys(claim_id.partition("-")[0] + "-*" for claim_id in known)
    return f"{len(known)} claims ({', '.join(packs)})"


def nearest(word: str, known: Sequence[str]) -> list[str]:
    """Return up to three ids that look like ``word``."""
    return get_close_matches(word.upper(), known, n=3, cutoff=0.75)


def _fits(claim_id: str, pattern: str) -> bool:
    return fnmatchcase(claim_id.upper(), pattern.upper())
