"""LR-01: the gradients of the quadratic loss."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import EQUATION_5, EXAMPLE, RANKS
from theory.linear_representation.contraction.steps import batch_loss, error_cross, residual_rows
from theory.linear_representation.notation import (
    D_F,
    D_G,
    E,
    E_F_minus,
    E_F_plus,
    E_G_minus,
    E_G_plus,
    F,
    G,
    M,
    N,
    Sigma_hat,
    X,
    grad_F,
    grad_G,
    n,
)


def central_difference(
    plus: sp.Expr, minus: sp.Expr, gradient: sp.MatrixExpr, direction: sp.MatrixExpr
) -> sp.Eq:
    """L(+D) - L(-D) = 2 tr(grad' D): exact for a loss quadratic along every line in D."""
    return sp.Eq(plus - minus, 2 * sp.Trace(gradient.T * direction), evaluate=False)


LR_01 = Claim(
    id="LR-01",
    title="Gradients of the two layers",
    says=(
        "M = (FG − F⋆G⋆)Σ̂ − N is minus the cross-moment of residual and input. The gradient of "
        "the batch loss is FᵀM in the representation and MGᵀ in the head. The loss is quadratic "
        "along one layer, so a central difference in any direction equals the slope exactly."
    ),
    source=EQUATION_5,
    parts={
        "representation": Part(
            Kind.IDENTITY,
            central_difference(batch_loss(E_G_plus), batch_loss(E_G_minus), grad_G, D_G),
        ),
        "head": Part(
            Kind.IDENTITY,
            central_difference(batch_loss(E_F_plus), batch_loss(E_F_minus), grad_F, D_F),
        ),
    },
    definitions={
        grad_G: F.T * M,
        grad_F: M * G.T,
        M: error_cross(),
        E_G_plus: residual_rows(F, G + D_G),
        E_G_minus: residual_rows(F, G - D_G),
        E_F_plus: residual_rows(F + D_F, G),
        E_F_minus: residual_rows(F - D_F, G),
        Sigma_hat: X.T * X / n,
        N: E.T * X / n,
    },
    assumptions=RANKS,
    example=EXAMPLE,
)
