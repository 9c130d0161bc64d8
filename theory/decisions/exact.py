"""DR-09: the exact test of a matrix identity."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.decisions.deterministic import DESIGN
from theory.decisions.notation import asked_D, found_D

EQUAL = sp.Eq(found_D, asked_D, evaluate=False)

DR_09 = Claim(
    id="DR-09",
    title="Matrix identities are tested exactly",
    says=(
        "Over the finite field and over the rationals an identity that is true is accepted, for "
        "inverses, traces, transposes and frames of orthonormal rows, and one that is false is "
        "rejected. Its degree is that of both sides with the denominators cleared. A false one "
        "passes a draw with at most the chance degree over p − S, S the degree of all that is "
        "inverted, and several draws with the power of it. In float64 the same expression has the "
        "value of its dense form."
    ),
    source=DESIGN,
    parts={
        "accepted": Part(Kind.IDENTITY, EQUAL, "true identities that are accepted"),
        "rejected": Part(Kind.IDENTITY, EQUAL, "false identities that are rejected"),
        "degree": Part(Kind.IDENTITY, EQUAL, "degree of an identity"),
        "chance": Part(Kind.IDENTITY, EQUAL, "chance of a false identity"),
        "float": Part(Kind.IDENTITY, EQUAL, "value of an expression"),
    },
    example={"input_dim": 5, "rank": 2},
    beyond_paper=True,
)
