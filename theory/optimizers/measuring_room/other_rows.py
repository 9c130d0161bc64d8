"""OP-41: rows with a mean, laws that are not Gaussian, links, and chains with a known product."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.notation import d, m, n
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.optimizers.measuring_room.drawn import EQUAL, EXAMPLE
from theory.optimizers.notation import dof, found

OP_41 = Claim(
    id="OP-41",
    title="Other rows, links and chains are drawn as asked",
    says=(
        "Rows with biases have the mean and the noise asked for, a constant 1, and their "
        "population moments. Components of other laws have the distribution of their name, with "
        "variance 1; rows of random scale mix Gaussian rows of those scales. Links and shifted "
        "activations have the values and slopes of their names. The product of a chain is the "
        "true one, its first layer has singular values between 1/2 and 2, and its last layer has "
        "full rank."
    ),
    source=Source.derived(),
    parts={
        "mean": Part(Kind.LAW, sp.Eq(dof, d, evaluate=False), "mean of the rows"),
        "noise": Part(Kind.LAW, sp.Eq(dof, n * m, evaluate=False), "noise of the targets"),
        "constant": Part(Kind.IDENTITY, EQUAL, "last column"),
        "population": Part(Kind.IDENTITY, EQUAL, "moments of (x, 1)"),
        "component": Part(Kind.LAW, EQUAL, "distribution of a component"),
        "size": Part(Kind.IDENTITY, EQUAL, "size of a sign"),
        "mixed": Part(Kind.LAW, EQUAL, "distribution of a squared norm"),
        "links": Part(Kind.IDENTITY, EQUAL, "values of links and activations"),
        "slopes": Part(Kind.IDENTITY, EQUAL, "slopes of activations"),
        "product": Part(Kind.IDENTITY, EQUAL, "product of a chain"),
        "spread": Part(Kind.BOUND, sp.Le(found, 2, evaluate=False), "spread of singular values"),
        "rank": Part(
            Kind.BOUND, sp.Gt(found, 0, evaluate=False), "smallest singular value of the last layer"
        ),
    },
    example=EXAMPLE,
)
