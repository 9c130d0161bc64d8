"""Both sides of every printed relation between matrices have one shape."""

import pytest
import sympy as sp

from lpfl.verify.registry import CLAIMS


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda claim: claim.id)
def test_both_sides_have_one_shape(claim):
    pairs = [part.relation.args[:2] for part in claim.parts.values()]
    for left, right in (*pairs, *claim.definitions.items()):
        if hasattr(left, "shape") and hasattr(right, "shape"):
            gaps = [sp.simplify(a - b) for a, b in zip(left.shape, right.shape, strict=True)]
            assert gaps == [0, 0], f"{left} is {left.shape}, {right} is {right.shape}"
