"""OP-34 and OP-35: scenario spaces, and changes of variables with what they do to a run."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.optimizers.measuring_room.drawn import EQUAL, EXAMPLE
from theory.optimizers.notation import asked, found, high_end, low_end

OP_34 = Claim(
    id="OP-34",
    title="Scenarios cover their space",
    says=(
        "Among 64 Sobol scenarios every word of a choice occurs, every integer axis reaches both "
        "ends, and every real axis comes within a sixteenth of both, in the logarithm where it is "
        "logarithmic. The first level of an axis is its easy end. The middle level of a "
        "logarithmic axis is the geometric mean of its ends."
    ),
    source=Source.derived(),
    parts={
        "choices": Part(Kind.IDENTITY, EQUAL, "words that occur"),
        "integers": Part(Kind.IDENTITY, EQUAL, "smallest and largest integer"),
        "reals": Part(Kind.BOUND, sp.Le(found, sp.Rational(1, 16), evaluate=False),
                      "distance from an end, in shares of the axis"),
        "easy": Part(Kind.IDENTITY, EQUAL, "first level"),
        "middle": Part(
            Kind.IDENTITY, sp.Eq(found, sp.sqrt(low_end * high_end), evaluate=False)
        ),
    },
    example=EXAMPLE,
)  # fmt: skip

OP_35 = Claim(
    id="OP-35",
    title="Changes of variables are what their names say",
    says=(
        "Rotations and signed permutations are orthogonal; a signed permutation has one ±1 in "
        "every row and column, with both signs. Diagonal and general maps have singular values "
        "between 1/2 and 2, and so has what a map close to the identity adds, over the root of "
        "epsilon. A scale is 2. The deviation of two runs is the largest over the replicates, of "
        "their products in the plain coordinates over the path of the plain run."
    ),
    source=Source.derived(),
    parts={
        "orthogonal": Part(Kind.IDENTITY, EQUAL, "AᵀA"),
        "permutation": Part(Kind.IDENTITY, EQUAL, "sums of |A| over rows and columns"),
        "signs": Part(Kind.IDENTITY, EQUAL, "signs that occur"),
        "spread": Part(Kind.BOUND, sp.Le(found, 2, evaluate=False), "spread of singular values"),
        "scale": Part(Kind.IDENTITY, EQUAL, "twice the identity"),
        "magnification": Part(Kind.IDENTITY, EQUAL, "deviation over the size of a small map"),
        "deviation": Part(Kind.IDENTITY, sp.Eq(found, asked, evaluate=False)),
    },
    example=EXAMPLE,
)
