"""Three readings of one SymPy matrix expression: GF(2^61 - 1), the rationals, float64.

The first decides an identity: both sides are evaluated with uniformly random matrices over the
field. A false identity whose cleared-denominator form has total degree D vanishes at a random
point with probability at most D / p (Schwartz-Zippel); points at which something inverted is
singular are redrawn, which makes it at most D / (p - S), S the degree of all that is inverted.
Both degrees are read off the expression by :mod:`theory.core.exact.degree`.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from theory.core.exact.degree import Degree, degree_of, difference_degree, singular_degree
from theory.core.exact.draws import MAX_REDRAWS, draw_values
from theory.core.exact.fields import Field, FloatField, PrimeField, RationalField
from theory.core.exact.reading import Reader

PRIME = 2**61 - 1


@dataclass(frozen=True)
class IdentityResult:
    """Outcome of polynomial identity testing.

    holds: both sides agreed at every draw. degree: total degree of the cleared identity.
    false_pass_bound: largest probability that a false identity passes all draws.
    """

    holds: bool
    degree: int
    draws: int
    false_pass_bound: Fraction
    sizes: Mapping[str, int]


def _sides(relation: sp.Basic) -> tuple[sp.Basic, sp.Basic]:
    if not isinstance(relation, sp.Eq):
        raise ValueError(f"an identity needs Eq(left, right), got {type(relation).__name__}")
    return relation.lhs, relation.rhs


def evaluate_sides(
    relation: sp.Basic,
    sizes: Mapping[str, int],
    *,
    field: Field,
    definitions: Mapping[sp.Basic, sp.Basic] | None = None,
    seed: int = 0,
) -> tuple[Any, Any]:
    """Return both sides of ``relation`` at one random point of ``field``.

    sizes: letter of every size symbol -> integer. Singular draws are redrawn; a relation that
    is singular at each of 20 draws raises ValueError. A symbol with a definition is never drawn.
    """
    left, right = _sides(relation)
    defined = definitions or {}
    stream = random.Random(seed)
    for _ in range(MAX_REDRAWS):
        values = draw_values([relation, *defined.values()], sizes, field, stream)
        for symbol in defined:
            values.pop(symbol.name, None)
        reader = Reader(field, values, dict(defined), dict(sizes))
        try:
            return reader.read(left), reader.read(right)
        except ZeroDivisionError:
            continue
    raise ValueError(f"relation is singular at each of {MAX_REDRAWS} random points")


def check_identity(
    relation: sp.Basic,
    sizes: Mapping[str, int],
    *,
    definitions: Mapping[sp.Basic, sp.Basic] | None = None,
    seed: int = 0,
    draws: int = 1,
) -> IdentityResult:
    """Test ``Eq(left, right)`` over GF(2^61 - 1) at ``draws`` independent random points."""
    if draws < 1:
        raise ValueError(f"draws={draws}, needs >= 1")
    left, right = _sides(relation)
    field = PrimeField(PRIME)
    degrees: list[Degree] = [
        degree_of(side, sizes, dict(definitions or {})) for side in (left, right)
    ]
    degree = difference_degree(*degrees)
    inverted = singular_degree((left, right), sizes, dict(definitions or {}))
    single = min(Fraction(1), Fraction(degree, PRIME - inverted))
    holds = True
    for draw in range(draws):
        a, b = evaluate_sides(
            relation, sizes, field=field, definitions=definitions, seed=(seed << 20) + draw
        )
        holds = holds and field.equal(a, b)
    return IdentityResult(holds, degree, draws, single**draws, dict(sizes))


def check_identity_rational(
    relation: sp.Basic,
    sizes: Mapping[str, int],
    *,
    definitions: Mapping[sp.Basic, sp.Basic] | None = None,
    seed: int = 0,
) -> bool:
    """Say whether both sides agree exactly at one random rational point."""
    field = RationalField()
    a, b = evaluate_sides(relation, sizes, field=field, definitions=definitions, seed=seed)
    return field.equal(a, b)


def evaluate_float(
    expression: sp.Basic,
    values: Mapping[str, NDArray[np.float64] | float],
    *,
    sizes: Mapping[str, int],
    definitions: Mapping[sp.Basic, sp.Basic] | None = None,
) -> NDArray[np.float64]:
    """Evaluate ``expression`` in float64 with ``values`` by letter; leading axes broadcast.

    Raises KeyError for a symbol with neither a value nor a definition.
    """
    reader = Reader(FloatField(), dict(values), dict(definitions or {}), dict(sizes))
    return np.asarray(reader.read(expression), dtype=np.float64)
