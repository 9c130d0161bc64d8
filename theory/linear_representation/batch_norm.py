"""LR-25: batch-norm on the hidden layer."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.assumptions import EXAMPLE, FULL_RANK_BATCH, RANKS
from theory.linear_representation.contraction.steps import error_cross, least_squares_head
from theory.linear_representation.notation import (
    F,
    F_ls,
    G,
    M,
    Sigma_hat,
    bn_grad,
    c_row,
    e_row,
    eta,
    g_row,
    grad_row,
    grad_row_ls,
)


def batch_norm_gradient(raw: sp.MatrixExpr, row: sp.MatrixExpr = g_row) -> sp.MatrixExpr:
    """Gradient in the row g = e'G of the loss behind batch-norm, ``raw`` that without it.

    Unit variance of the hidden variable divides row g by s = sqrt(g S g') and its head column is
    then multiplied by s to keep the product FG: the gradient is a - (a g')/(g S g') g S with
    a = e'F'M, M the residual cross-moment. Written for the head of the un-normalised model.
    """
    g = row
    return raw - raw * g.T * (g * Sigma_hat * g.T).inv() * g * Sigma_hat


SCALED = batch_norm_gradient(grad_row / c_row, c_row * g_row)

LR_25 = Claim(
    id="LR-25",
    title="Batch-norm does not change AMGD",
    says=(
        "On centred data, batch-norm of the hidden layer projects the gradient of each row g. At "
        "the least-squares head the projection removes nothing, so the gradient is exactly that "
        "of the model without batch-norm. At every head the gradient is orthogonal to its row. "
        "The squared norm of the row therefore grows by η² times that of the gradient. A row "
        "scaled by c_g, its head column by 1/c_g, moves in direction with step size η/c_g²."
    ),
    source=Source.derived("every formula")
    + Source.seen(
        "Zhang et al. 2025, arXiv 2502.01763: the qualitative result that batch-norm helps little"
    ),
    parts={
        "least_squares": Part(
            Kind.IDENTITY, sp.Eq(batch_norm_gradient(grad_row_ls), grad_row_ls, evaluate=False)
        ),
        "orthogonal": Part(
            Kind.IDENTITY, sp.Eq(bn_grad * g_row.T, sp.ZeroMatrix(1, 1), evaluate=False)
        ),
        "norm_growth": Part(
            Kind.IDENTITY,
            sp.Eq(
                (g_row - eta * bn_grad) * (g_row - eta * bn_grad).T,
                g_row * g_row.T + eta**2 * bn_grad * bn_grad.T,
                evaluate=False,
            ),
        ),
        "effective_step": Part(
            Kind.IDENTITY,
            sp.Eq(
                c_row * g_row - eta * SCALED,
                c_row * (g_row - eta / c_row**2 * bn_grad),
                evaluate=False,
            ),
        ),
    },
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
