"""OP-38 to OP-40: ridge fits, single-index draws, measurements of matrices and directions."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.notation import d, n
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.optimizers.measuring_room.drawn import EQUAL, EXAMPLE
from theory.optimizers.notation import Z_F, a_F, dof, mu_F, rows_F, width_F, y_F

OP_38 = Claim(
    id="OP-38",
    title="A ridge fit solves its normal equations",
    says=(
        "Features and targets are centred over the rows. The coefficients are "
        "(ZᵀZ/n + μI)⁻¹Zᵀy/n for more and for fewer features than rows. The intercept makes the "
        "mean residual zero, and the train error is the mean squared residual. The error on fresh "
        "rows is the mean squared error with the noise in it."
    ),
    source=Source.derived(),
    parts={
        "coefficients": Part(
            Kind.IDENTITY,
            sp.Eq(
                a_F,
                (Z_F.T * Z_F / rows_F + mu_F * sp.Identity(width_F)).inv() * Z_F.T * y_F / rows_F,
                evaluate=False,
            ),
        ),
        "mean": Part(Kind.IDENTITY, EQUAL, "mean residual"),
        "train": Part(Kind.IDENTITY, EQUAL, "train error"),
        "fresh": Part(Kind.IDENTITY, EQUAL, "error on fresh rows"),
    },
    example=EXAMPLE,
)

OP_39 = Claim(
    id="OP-39",
    title="Measurements are what their names say",
    says=(
        "An alignment is the squared cosine in its weight, signed where it says so. A remainder is "
        "the operator or Frobenius norm of the rest over that of the rank-one part. The distance "
        "of subspaces is the sine of their largest angle. Overlaps with powers of an index are "
        "squared projections on orthonormal polynomials. Centred features have mean zero over the "
        "rows; a second moment is X′X/n. In other units a problem has the covariance, the root, "
        "the head and the noise of these units."
    ),
    source=Source.derived(),
    parts={
        "alignment": Part(Kind.IDENTITY, EQUAL),
        "signed": Part(Kind.IDENTITY, EQUAL),
        "operator": Part(Kind.IDENTITY, EQUAL),
        "frobenius": Part(Kind.IDENTITY, EQUAL),
        "distance": Part(Kind.IDENTITY, EQUAL),
        "tangents": Part(Kind.IDENTITY, EQUAL),
        "overlaps": Part(Kind.IDENTITY, EQUAL),
        "centred": Part(Kind.IDENTITY, EQUAL),
        "second_moment": Part(Kind.IDENTITY, EQUAL),
        "units": Part(Kind.IDENTITY, EQUAL),
        "top_singular": Part(Kind.IDENTITY, EQUAL),
    },
    example=EXAMPLE,
)

OP_40 = Claim(
    id="OP-40",
    title="Single-index data have the law that they stand for",
    says=(
        "Teachers have βᵀΣβ = 1. Whitened inputs of rows, and of moments drawn without rows, have "
        "a sum of squares with n d degrees of freedom; the index has n, and the noise n. The "
        "moments of given rows are their means of products."
    ),
    source=Source.derived(),
    parts={
        "inputs": Part(Kind.LAW, sp.Eq(dof, n * d, evaluate=False)),
        "index": Part(Kind.LAW, sp.Eq(dof, n, evaluate=False)),
        "noise": Part(Kind.LAW, sp.Eq(dof, n, evaluate=False)),
        "teacher": Part(Kind.IDENTITY, EQUAL),
        "moments": Part(Kind.IDENTITY, EQUAL),
    },
    example=EXAMPLE,
)
