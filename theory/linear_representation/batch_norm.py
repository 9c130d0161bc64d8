"""LR-25: batch-norm on the hidden layer."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, parts_of
from theory.core.source import Source
from theory.linear_representation.assumptions import EXAMPLE, FULL_RANK_BATCH, RANKS
from theory.linear_representation.notation import (
    F,
    F_ls,
    G,
    M,
    Sigma_hat,
    bn_grad,
    e_row,
    eta,
    g_row,
    grad_row,
    grad_row_ls,
)
from theory.linear_representation.steps import error_cross, least_squares_head


def batch_norm_gradient(raw: sp.MatrixExpr) -> sp.MatrixExpr:
    """Gradient in the row g = e'G of the loss behind batch-norm, ``raw`` that without it.

    Unit variance of the hidden variable divides row g by s = sqrt(g S g') and its head column is
    then multiplied by s to keep the product FG: the gradient is a - (a g')/(g S g') g S with
    a = e'F'M, M the residual cross-moment. Written for the head of the un-normalised model.
    """
    g = g_row
    return raw - raw * g.T * (g * Sigma_hat * g.T).inv() * g * Sigma_hat


LR_25 = Claim(
    id="LR-25",
    title="Batch-norm cannot change AMGD",
    says=(
        "On centred data, batch-norm of the hidden layer projects the gradient of each row g. "
        "With a least-squares head the projection has nothing to remove, so the gradient is "
        "exactly that of the model without batch-norm. With any other head the gradient is "
        "orthogonal to the row, so the norm of the row only grows and its direction moves with "
        "step size η/|g|²."
    ),
    source=Source.attributed("Zhang et al. 2025, arXiv 2502.01763: batch-norm helps little")
    + Source.derived("every formula"),
    parts=parts_of(
        Kind.IDENTITY,
        sp.Tuple(
            sp.Eq(
                batch_norm_gradient(grad_row_ls),
                grad_row_ls,
                evaluate=False,
            ),
            sp.Eq(bn_grad * g_row.T, sp.ZeroMatrix(1, 1), evaluate=False),
            sp.Eq(
                (g_row - eta * bn_grad) * (g_row - eta * bn_grad).T,
                g_row * g_row.T + eta**2 * bn_grad * bn_grad.T,
                evaluate=False,
            ),
        ),
        ("least_squares", "orthogonal", "norm_growth"),
    ),
    definitions={
        g_row: e_row.T * G,
        bn_grad: batch_norm_gradient(grad_row),
        grad_row: e_row.T * F.T * M,
        M: error_cross(),
        grad_row_ls: e_row.T * F_ls.T * error_cross(head=F_ls),
        F_ls: least_squares_head(),
    },
    assumptions=(*RANKS, FULL_RANK_BATCH),
    example=EXAMPLE,
)
