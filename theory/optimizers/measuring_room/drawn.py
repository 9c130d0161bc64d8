"""OP-31 to OP-33: problems, rows and streams as they are drawn."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.notation import d, m, n
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.optimizers.notation import asked, dof, found

EXAMPLE = {"input_dim": 5, "output_dim": 3, "batch_size": 8}
EQUAL = sp.Eq(found, asked, evaluate=False)

OP_31 = Claim(
    id="OP-31",
    title="Drawn problems have the stated geometry",
    says=(
        "A tilted start has the largest principal angle that was asked for, and its gauge has "
        "singular values between 1/2 and 2. Heads have the spectrum asked for, representations "
        "orthonormal rows. A covariance has trace d, the condition number of its family, and a "
        "root that squares to it. Random bases are Haar: an entry has the law of a coordinate "
        "on the sphere. So has an entry of a representation, and of an eigenvector of FᵀF and FFᵀ."
    ),
    source=Source.derived(),
    parts={
        "tilt": Part(Kind.IDENTITY, EQUAL, "tangent of the largest angle"),
        "gauge": Part(Kind.BOUND, sp.Le(found, 2, evaluate=False), "spread of the gauge"),
        "head": Part(Kind.IDENTITY, EQUAL, "eigenvalues of FᵀF"),
        "representation": Part(Kind.IDENTITY, EQUAL, "Gram matrix of the rows"),
        "trace": Part(Kind.IDENTITY, sp.Eq(found, d, evaluate=False), "trace of the covariance"),
        "condition": Part(Kind.IDENTITY, EQUAL, "condition number of the covariance"),
        "root": Part(Kind.IDENTITY, EQUAL, "square of the root"),
        "haar": Part(Kind.LAW, EQUAL, "an entry of a random basis"),
        "row": Part(Kind.LAW, EQUAL, "an entry of a representation"),
        "head_bases": Part(Kind.LAW, EQUAL, "an entry of an eigenvector of FᵀF, and of FFᵀ"),
    },
    example=EXAMPLE,
)

OP_32 = Claim(
    id="OP-32",
    title="Rows and moments have the laws that they stand for",
    says=(
        "Signs have size one and are centred. Squares of whitened Gaussian inputs add up to a "
        "chi-square with n d degrees of freedom, squares of the noise to one with n m, from rows "
        "and from moments drawn without rows: n, not n − 1. Squares along the widest direction, "
        "over its variance, add up to one with n. In the moments the noise has m min(n, "
        "d) degrees given the inputs. Replicates are independent."
    ),
    source=Source.derived(),
    parts={
        "inputs": Part(Kind.LAW, sp.Eq(dof, n * d, evaluate=False)),
        "widest": Part(Kind.LAW, sp.Eq(dof, n, evaluate=False), "along the widest direction"),
        "noise": Part(Kind.LAW, sp.Eq(dof, n * m, evaluate=False)),
        "moment_noise": Part(Kind.LAW, sp.Eq(dof, m * sp.Min(n, d), evaluate=False)),
        "replicates": Part(Kind.LAW, sp.Eq(dof, d, evaluate=False), "sums over replicates"),
        "sign_size": Part(Kind.IDENTITY, sp.Eq(found, 1, evaluate=False)),
        "sign_mean": Part(Kind.LAW, sp.Eq(dof, d, evaluate=False), "sums of signs"),
    },
    example=EXAMPLE,
)

OP_33 = Claim(
    id="OP-33",
    title="Streams with different names are different",
    says=(
        "A stream depends on its seed and on every part of its name, and on nothing else: the "
        "same name gives the same numbers. Blocks of replicates have streams of their own: no two "
        "replicates of different blocks share a teacher, a network or a batch."
    ),
    source=Source.derived(),
    parts={
        "same": Part(Kind.IDENTITY, EQUAL, "numbers of one name, opened twice"),
        "distinct": Part(Kind.IDENTITY, EQUAL, "number of different streams"),
        "blocks": Part(Kind.IDENTITY, EQUAL, "number of different replicates"),
    },
    example=EXAMPLE,
)
