"""The matrix X'X, by half the products where that pays."""

import torch
from torch import Tensor

from lpfl import guards

HALVED = 96
"""Columns from which three blocks of four cost less than the whole, if the rows are many."""
MANY = 4
"""Rows for each column that are many."""
LEAST = 512
"""Columns from which the symmetric product of BLAS is the faster one."""
WIDTHS = {torch.float64: "dsyrk", torch.float32: "ssyrk"}


@guards.on_tensors
def gram(rows: Tensor) -> Tensor:
    """Return ``X'X`` of rows X (..., n, d).

    On a CPU three blocks of four are computed and the fourth is the mirror image of one. From
    LEAST columns on BLAS computes one triangle (``syrk``, which torch does not offer; its threads
    are not those of torch). All are equal to the plain product up to rounding.
    """
    guards.tensor("rows", rows, 2, empty=True)
    n, d = rows.shape[-2:]
    plain = d < HALVED or rows.device.type != "cpu" or rows.dtype not in WIDTHS
    if plain or rows.numel() == 0 or (rows.requires_grad and torch.is_grad_enabled()):
        return rows.mT @ rows
    if d < LEAST:
        return _halved(rows) if n >= MANY * d else rows.mT @ rows
    matrices = rows.detach().reshape(-1, *rows.shape[-2:])
    products = [_mirrored(_triangle(X)) for X in matrices]
    whole = products[0] if len(products) == 1 else torch.stack(products)
    return whole.reshape(*rows.shape[:-2], *whole.shape[-2:])


def _halved(X: Tensor) -> Tensor:
    """Return X'X from the blocks of its two halves of columns."""
    half = X.shape[-1] // 32 * 16
    A, B = X[..., :half], X[..., half:]
    below = B.mT @ A
    above = torch.cat((A.mT @ A, below.mT), dim=-1)
    return torch.cat((above, torch.cat((below, B.mT @ B), dim=-1)), dim=-2)


def _triangle(X: Tensor) -> Tensor:
    """Return the lower triangle of X'X in a matrix that is zero above it."""
    from scipy.linalg import blas

    product = getattr(blas, WIDTHS[X.dtype])
    # the transpose of what torch stores by rows is what BLAS reads by columns: no copy
    return torch.from_numpy(product(1.0, X.contiguous().numpy().T, lower=1))


def _mirrored(half: Tensor) -> Tensor:
    whole = half + half.mT
    whole.diagonal().mul_(0.5)
    return whole
