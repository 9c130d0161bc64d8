"""LR-01: the gradients of the quadratic loss."""

import sympy as sp

from theory.claim import Claim, Kind
from theory.linear_representation.domain import EXAMPLE, PAPER, RANKS
from theory.linear_representation.steps import batch_loss, error_cross
from theory.notation import D_F, D_G, E, F, G, N, Sigma_hat, X, grad_F, grad_G, n


def central_difference(
    plus: sp.Expr, minus: sp.Expr, gradient: sp.MatrixExpr, direction: sp.MatrixExpr
) -> sp.Eq:
    """L(+D) - L(-D) = 2 tr(grad' D): exact for a loss quadratic along every line in D."""
    return sp.Eq(plus - minus, 2 * sp.Trace(gradient.T * direction), evaluate=False)


LR_01 = Claim(
    id="LR-01",
    title="Gradients of the two layers",
    says=(
        "With residual cross-moment M = (FG - F*G*) S - N the gradient of the batch loss is F'M in "
        "the representation and MG' in the head. Along one layer the loss is quadratic, so a "
        "central difference with any direction decides this exactly."
    ),
    kind=Kind.IDENTITY,
    source=PAPER,
    statement=sp.Tuple(
        central_difference(batch_loss(F, G + D_G), batch_loss(F, G - D_G), grad_G, D_G),
        central_difference(batch_loss(F + D_F, G), batch_loss(F - D_F, G), grad_F, D_F),
    ),
    parts=("representation", "head"),
    definitions={
        grad_G: F.T * error_cross(),
        grad_F: error_cross() * G.T,
        Sigma_hat: X.T * X / n,
        N: E.T * X / n,
    },
    assumptions=RANKS,
    example=EXAMPLE,
)
