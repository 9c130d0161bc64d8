"""LR-18: the local spectrum of gradient descent in both layers."""

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from theory.core.claim import Claim
from theory.core.guards import Array, eigenvalues, matrix, number, positive_definite, truth
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    ISOTROPIC,
    NO_DAMPING,
    NOISELESS,
    RANKS,
    STEP_POSITIVE,
)
from theory.linear_representation.contraction.gauss_newton import LR_02
from theory.linear_representation.notation import (
    count_q,
    d,
    eta,
    gamma_GN,
    k,
    lam_i,
    lam_j,
    m,
    multiplier,
)
from theory.linear_representation.rates.spectra import modes, multiset, sizes_of

_SEEN_BALANCED = 1 - eta * sp.sqrt(lam_i)

LR_18 = Claim(
    id="LR-18",
    title="Local spectrum of joint gradient descent",
    says=(
        "Near a solution the multipliers of gradient descent in both layers, which is the mean of "
        "SGD, are 1 − ηγ, with γ the eigenvalues of the Gauss-Newton matrix. Take isotropic input. "
        "With balanced layers, as reached from a small initialisation, the tangents see 1 − η√λ_i. "
        "The slowest of them belongs to the smallest singular value of F⋆. With orthonormal rows "
        "of G the tangents see 1 − ηλ_i. The orthonormal counts are per eigenvalue for "
        "“representation” and “joint”. The balanced counts are per eigenvalue, for “joint” per "
        "ordered pair of eigenvalues."
    ),
    source=DERIVED,
    parts={
        "balanced_representation": Part(
            Kind.RATE, sp.Eq(multiplier, _SEEN_BALANCED, evaluate=False)
        ),
        "balanced_representation_count": Part(Kind.IDENTITY, sp.Eq(count_q, d - k, evaluate=False)),
        "balanced_head": Part(Kind.RATE, sp.Eq(multiplier, _SEEN_BALANCED, evaluate=False)),
        "balanced_head_count": Part(Kind.IDENTITY, sp.Eq(count_q, m - k, evaluate=False)),
        "balanced_joint": Part(
            Kind.RATE,
            sp.Eq(multiplier, 1 - eta * (sp.sqrt(lam_i) + sp.sqrt(lam_j)), evaluate=False),
        ),
        "balanced_joint_count": Part(Kind.IDENTITY, sp.Eq(count_q, sp.Integer(1), evaluate=False)),
        "balanced_gauge": Part(Kind.RATE, sp.Eq(multiplier, sp.Integer(1), evaluate=False)),
        "balanced_gauge_count": Part(Kind.IDENTITY, sp.Eq(count_q, k**2, evaluate=False)),
        "orthonormal_representation": Part(
            Kind.RATE, sp.Eq(multiplier, 1 - eta * lam_i, evaluate=False)
        ),
        "orthonormal_representation_count": Part(
            Kind.IDENTITY, sp.Eq(count_q, d - k, evaluate=False)
        ),
        "orthonormal_head": Part(Kind.RATE, sp.Eq(multiplier, 1 - eta, evaluate=False)),
        "orthonormal_head_count": Part(Kind.IDENTITY, sp.Eq(count_q, k * (m - k), evaluate=False)),
        "orthonormal_joint": Part(
            Kind.RATE, sp.Eq(multiplier, 1 - eta * (1 + lam_i), evaluate=False)
        ),
        "orthonormal_joint_count": Part(Kind.IDENTITY, sp.Eq(count_q, k, evaluate=False)),
        "orthonormal_gauge": Part(Kind.RATE, sp.Eq(multiplier, sp.Integer(1), evaluate=False)),
        "orthonormal_gauge_count": Part(Kind.IDENTITY, sp.Eq(count_q, k**2, evaluate=False)),
        "gauss_newton": Part(Kind.RATE, sp.Eq(multiplier, 1 - eta * gamma_GN, evaluate=False)),
    },
    assumptions=(*RANKS, NOISELESS, NO_DAMPING, STEP_POSITIVE, ISOTROPIC),
    example={**EXAMPLE, "noise_std": 0.0},
)


def gauss_newton_spectrum(*, head: ArrayLike, representation: ArrayLike, cov_x: ArrayLike) -> Array:
    """Return the eigenvalues of the Gauss-Newton matrix, ascending, (k(m+d),).

    Shapes: head (m, k), representation (k, d), cov_x (d, d). One minus step size times these is
    the local spectrum of joint gradient descent.
    Raises: ValueError on a wrong shape or a covariance that is not positive definite.
    Source: blocks of LR-02.
    """
    F = matrix("head", head, (None, None))
    G = matrix("representation", representation, (F.shape[1], None))
    cov = positive_definite("cov_x", cov_x, G.shape[1])
    sizes = {"m": F.shape[0], "k": F.shape[1], "d": G.shape[1]}
    values: dict[str, Array | float] = {"F": F, "G": G, "Sigmahat": cov}
    upper, lower, cross = (
        LR_02[name].matrix(values, sizes=sizes)
        for name in ("representation_block", "head_block", "cross_block")
    )
    return np.linalg.eigvalsh(np.block([[upper, cross], [cross.T, lower]]))


def gradient_descent_spectrum(
    *,
    step_size: float,
    head_eigenvalues: ArrayLike,
    input_dim: int,
    output_dim: int,
    balanced: bool,
) -> Array:
    """Return the local multipliers of joint gradient descent for Sigma = I, ascending.

    head_eigenvalues: lambda_i of F*'F*, (k,). balanced: head and representation share the singular
    values of F*G* (small initialisation); otherwise the representation has orthonormal rows.
    Raises: ValueError on a bad argument.
    Source: derived (LR-18).
    """
    lam = eigenvalues("head_eigenvalues", head_eigenvalues)
    return multiset(
        modes(
            LR_18,
            "balanced" if truth("balanced", balanced) else "orthonormal",
            sizes_of(lam.size, input_dim, output_dim),
            head_eigenvalues=lam,
            step_size=number("step_size", step_size, low=0.0),
        )
    )
