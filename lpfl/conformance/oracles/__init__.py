"""References of the methods a subject may claim, found by looking through this package.

A module adds references by naming them in its tuple ``ORACLES``; an installed package adds its
own by the entry point ``lpfl.references``, which names such a tuple.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType

from lpfl.conformance.oracles.base import Oracle
from lpfl.conformance.oracles.layerwise import LAYER_ORACLES, LayerOracle

__all__ = ["LayerOracle", "Oracle", "divided", "layer_oracle_of", "oracle_of", "oracles"]


def normal(claim: str) -> str:
    """Return a claim as it is looked up: lower case, words joined by hyphens."""
    return claim.strip().lower().replace("_", "-").replace(" ", "-")


def found() -> Iterator[Oracle]:
    for module in pkgutil.walk_packages(__path__, __name__ + "."):
        yield from getattr(importlib.import_module(module.name), "ORACLES", ())
    for entry in entry_points(group="lpfl.references"):
        for oracle in entry.load():
            if isinstance(oracle, Oracle):
                yield oracle


@cache
def oracles() -> Mapping[str, Oracle]:
    """Return all references by claim; two references of one claim are an error."""
    table: dict[str, Oracle] = {}
    for oracle in found():
        if oracle.claim in table:
            raise ValueError(f"claim={oracle.claim!r} has two references")
        table[oracle.claim] = oracle
    return MappingProxyType(dict(sorted(table.items())))


def oracle_of(claim: str) -> Oracle | None:
    """Return the reference of a claim, or None where there is none."""
    return oracles().get(normal(claim))


def layer_oracle_of(claim: str) -> LayerOracle | None:
    """Return the reference of a claim about layers, or None where there is none."""
    return next((o for o in LAYER_ORACLES if o.claim == normal(claim)), None)


def divided(claims: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the claims about the optimizer as a whole, and those about its vectors alone.

    Where a method for matrices or layers is claimed (``{"muon", "adamw"}``), a claimed method that
    steps any weight can only speak of those that the first one leaves: vectors and numbers.
    """
    known = {claim for claim in claims if oracle_of(claim)}
    of_matrices = {claim for claim in claims if _of_matrices(claim) or _hands_on(claim, known)}
    beside = frozenset(known - of_matrices) if of_matrices else frozenset()
    return claims - beside, beside


def _of_matrices(claim: str) -> bool:
    """Return whether a claim is a method for matrices or layers, which may leave other weights."""
    oracle = oracle_of(claim)
    if oracle is None:
        return layer_oracle_of(claim) is not None
    return oracle.least_axes > 1 or oracle.for_matrices


def _hands_on(claim: str, known: set[str]) -> bool:
    """Return whether a claim is a method that may step vectors by another claimed one."""
    oracle = oracle_of(claim)
    kinds = oracle.conventions.get("vectors", ()) if oracle is not None else ()
    others = {normal(other) for other in known - {claim}}
    return any(kind.lower().startswith(f"as {other} ") for kind in kinds for other in others)
