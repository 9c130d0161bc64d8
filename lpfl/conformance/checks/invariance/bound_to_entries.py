"""Lengths and blocks that are bound to entries by definition, beside a method that is not."""

from collections.abc import Iterator
from dataclasses import replace
from enum import Enum
from typing import Any

from lpfl.conformance.claims import Pair, normal
from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.seen.cut_runs import UNCUT
from lpfl.conformance.definition.seen.cuts import options_of
from lpfl.conformance.definition.seen.grafts import kind_of, option_of
from lpfl.conformance.definition.supports import held
from lpfl.conformance.learning.affine import Cause
from lpfl.conformance.learning.fingerprint import World, deviation
from lpfl.conformance.learning.inner_rounding import precision
from lpfl.conformance.oracles import oracle_of
from lpfl.conformance.oracles.shampoo import GRAFTS
from lpfl.conformance.outcomes import Outcome
from lpfl.conformance.subject import Subject

CLAIM = "shampoo"
BY_ENTRY = ("adagrad", "rmsprop", "adam", "sign")
"""Methods whose steps' lengths a rotation changes; a permutation changes none."""
Options = dict[str, Any]


def bound_to_entries(
    subject: Subject, claim: str, world: World, pair: Pair, *, permuted: bool
) -> Cause | None:
    """Return that blocks or a grafted length alone feel this change; None if they do not.

    permuted: whether a permutation of the same side is felt as well, which no length explains:
    blocks must.
    """
    if normal(claim) != CLAIM:
        return None
    blocks = {
        name: UNCUT for name in options_of(subject) if subject.default(name) < max(world.sizes)
    }
    if permuted and blocks:
        whole = replace(world, options=blocks)
        permuted = _still(subject, whole, (pair[0], "permutation")) is None
    grafts = [] if permuted else list(_without_graft(subject))
    for off in [{**blocks, **graft} for graft in [*grafts, {}]]:
        if off and (value := _still(subject, replace(world, options=off), pair)) is not None:
            given = " and ".join(f"{name}={to!r}" for name, to in off.items())
            parts = ["blocks"] * bool(blocks) + ["grafted lengths"] * (len(off) > len(blocks))
            says = f"with {given} it is {value:.2g}: {' and '.join(parts)} are bound to entries"
            return Cause(Outcome.VARIANT, says, {"aside": off})
    graft = "" if permuted or grafts else _by_heart(subject)
    return Cause(Outcome.VARIANT, f"it is grafted {graft}, bound to entries") if graft else None


def _without_graft(subject: Subject) -> Iterator[Options]:
    """Yield values that switch off a graft to lengths that a rotation changes, likeliest first."""
    found = option_of(subject)
    if found is None:
        return
    name, values = found
    default = subject.default(name)
    if isinstance(default, str | Enum):
        kind = kind_of(default.name if isinstance(default, Enum) else default)
    else:
        kind = next((k for k, value in values.items() if value == default), "")
    if kind in BY_ENTRY:
        yield from ({name: values[k]} for k in ("none", "sgd") if k in values)


def _still(subject: Subject, world: World, pair: Pair) -> float | None:
    """Return the deviation in a world where it counts as none; None if it counts."""
    try:
        value, least = deviation(subject, world, *pair), precision(subject, world).bound
    except Exception:
        return None
    return value if value <= least < 0.2 else None


def _by_heart(subject: Subject) -> str:
    """Return the graft, bound to entries, of a grafted Shampoo that a subject is in every step."""
    oracle = oracle_of("shampoo-grafted")
    try:
        fit = None if oracle is None else held(Comparison(subject, oracle))
    except Exception:
        return ""
    graft = "" if fit is None else fit.candidate.convention["graft"]
    return graft if graft in GRAFTS else ""
