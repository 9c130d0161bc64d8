"""LR-02: the Gauss-Newton matrix, its Kronecker blocks, its rank and its null space."""

import sympy as sp
from sympy.matrices.expressions.kronecker import KroneckerProduct as Kron

from theory.core.claim import Assumption, Claim
from theory.core.guards import count
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.assumptions import EQUATION_5, EXAMPLE, RANKS
from theory.linear_representation.notation import (
    D_F,
    D_FG,
    D_G,
    D_F_gauge,
    D_G_gauge,
    F,
    G,
    R_gauge,
    Sigma_hat,
    X,
    d,
    k,
    m,
    n,
    r_X,
    rank_GN,
)

_JACOBIAN_G = Kron(X, F)
_JACOBIAN_F = Kron(X * G.T, sp.Identity(m))
_CHANGE = X * D_FG.T


def _moment(left: sp.MatrixExpr, right: sp.MatrixExpr) -> sp.MatrixExpr:
    return left.T * right / n


LR_02 = Claim(
    id="LR-02",
    title="Gauss-Newton blocks are Kronecker products, the null space is the gauge",
    says=(
        "The vec of a matrix stacks its columns. The outputs X(FG)ᵀ have the Jacobians X ⊗ F and "
        "XGᵀ ⊗ I. So the Gauss-Newton matrix, which is the true Fisher matrix for unit output "
        "noise, has the blocks Σ̂ ⊗ FᵀF and GΣ̂Gᵀ ⊗ I: the Kronecker factors are exact here. The "
        "gauge directions (FR, −RG) lie in its null space. Its rank is k(m + r − k) for inputs of "
        "rank r ≥ k, so the gauge is the whole null space if r = d."
    ),
    source=EQUATION_5 + Source.derived("identity, null space and rank"),
    parts={
        "representation_block": Part(
            Kind.IDENTITY,
            sp.Eq(_moment(_JACOBIAN_G, _JACOBIAN_G), Kron(Sigma_hat, F.T * F), evaluate=False),
        ),
        "head_block": Part(
            Kind.IDENTITY,
            sp.Eq(
                _moment(_JACOBIAN_F, _JACOBIAN_F),
                Kron(G * Sigma_hat * G.T, sp.Identity(m)),
                evaluate=False,
            ),
        ),
        "cross_block": Part(
            Kind.IDENTITY,
            sp.Eq(_moment(_JACOBIAN_G, _JACOBIAN_F), Kron(Sigma_hat * G.T, F.T), evaluate=False),
        ),
        "quadratic_form": Part(
            Kind.IDENTITY,
            sp.Eq(
                sp.Trace(_moment(_CHANGE, _CHANGE)),
                sp.Trace(D_G.T * F.T * F * D_G * Sigma_hat)
                + sp.Trace(D_F * G * Sigma_hat * G.T * D_F.T)
                + 2 * sp.Trace(D_G * Sigma_hat * G.T * D_F.T * F),
                evaluate=False,
            ),
        ),
        "gauge": Part(
            Kind.IDENTITY,
            sp.Eq(F * D_G_gauge + D_F_gauge * G, sp.ZeroMatrix(m, d), evaluate=False),
        ),
        "rank": Part(
            Kind.IDENTITY,
            sp.Eq(rank_GN, k * (m + sp.Min(r_X, d) - k), evaluate=False),
        ),
    },
    definitions={
        Sigma_hat: X.T * X / n,
        D_FG: F * D_G + D_F * G,
        D_G_gauge: -R_gauge * G,
        D_F_gauge: F * R_gauge,
    },
    assumptions=(*RANKS, Assumption("the inputs span at least k directions", r_X >= k)),
    example={**EXAMPLE, "data_rank": 10},
)


def gauss_newton_rank(
    *, input_dim: int, output_dim: int, rank: int, data_rank: int | None = None
) -> int:
    """Return the rank of the Gauss-Newton matrix of (F, G) at full ranks.

    Raises: ValueError unless rank <= output_dim and rank <= data_rank.
    Source: derived (LR-02).
    """
    small = count("rank", rank)
    rows = count("data_rank", input_dim if data_rank is None else data_rank, low=small)
    return round(
        LR_02["rank"].number(
            input_dim=count("input_dim", input_dim, low=small),
            output_dim=count("output_dim", output_dim, low=small),
            rank=small,
            data_rank=rows,
        )
    )
