"""LR-25: batch-norm on the hidden layer."""

import sympy as sp

from theory.claim import Claim, Kind
from theory.linear_representation.domain import EXAMPLE, FULL_RANK_BATCH, PAPER, RANKS
from theory.linear_representation.steps import error_cross, least_squares_head
from theory.notation import F, F_ls, G, Sigma_hat, bn_grad, e_row, eta


def batch_norm_gradient(head: sp.MatrixExpr) -> sp.MatrixExpr:
    """Gradient in the row g = e'G of the loss behind batch-norm.

    Unit variance of the hidden variable divides row g by s = sqrt(g S g') and its head column is
    then multiplied by s to keep the product FG: the gradient is a - (a g')/(g S g') g S with
    a = e'F'M, M the residual cross-moment. Written for the head of the un-normalised model.
    """
    row = e_row.T * G
    raw = e_row.T * head.T * error_cross(head=head)
    return raw - raw * row.T * (row * Sigma_hat * row.T).inv() * row * Sigma_hat


LR_25 = Claim(
    id="LR-25",
    title="Batch-norm cannot change AMGD",
    says=(
        "On centred data, batch-norm of the hidden layer projects the gradient of each row. With a "
        "least-squares head the projection has nothing to remove, so the gradient is exactly that "
        "of the model without batch-norm. With any other head the gradient is orthogonal to the "
        "row, so its norm only grows and the step in direction is eta/|g|^2."
    ),
    kind=Kind.IDENTITY,
    source=PAPER,
    statement=sp.Tuple(
        sp.Eq(
            batch_norm_gradient(F_ls),
            e_row.T * F_ls.T * error_cross(head=F_ls),
            evaluate=False,
        ),
        sp.Eq(bn_grad * G.T * e_row, sp.ZeroMatrix(1, 1), evaluate=False),
        sp.Eq(
            (e_row.T * G - eta * bn_grad) * (e_row.T * G - eta * bn_grad).T,
            e_row.T * G * G.T * e_row + eta**2 * bn_grad * bn_grad.T,
            evaluate=False,
        ),
    ),
    parts=("least_squares", "orthogonal", "norm_growth"),
    definitions={F_ls: least_squares_head(), bn_grad: batch_norm_gradient(F)},
    assumptions=(*RANKS, FULL_RANK_BATCH),
    example=EXAMPLE,
)
