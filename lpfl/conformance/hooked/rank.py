"""Whether a layer's output factor has rank one, told from a single step.

A step u = L g R of a gradient g (b, a) between L = (G + x)^-1 and R = (A + y)^-1, with A known and
y the number that makes L symmetric, tells L up to a factor. The outer product of one mean gradient
leaves all eigenvalues of L^-1 but one equal; the mean of many outer products does not.
"""

import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from lpfl.conformance.oracles.layer_axes import LayerSeen

SYMMETRIC = 1e-6
"""Relative asymmetry up to which L counts as symmetric."""
EQUAL, OTHER = 1e-5, 1e-4
"""Relative spread of equal eigenvalues, and distance from which the last is another one."""
WIDEST = 4
"""Powers of ten of the damping of the inputs, in the mean eigenvalue, to either side."""


def rank_one(update: Tensor, layer: LayerSeen, slope: Tensor) -> bool:
    """Return whether the output factor of an update (b, a) of a slope (b, a) has rank one.

    It is not told, and the answer is no, unless the slope has full row rank and three rows or more.
    """
    u, g, A = update, slope, layer.input_moment
    if layer.has_bias and not bool(u[:, -1].any()):
        u, g, A = u[:, :-1], g[:, :-1], A[:-1, :-1]
    if len(g) < 3 or int(torch.linalg.matrix_rank(g)) < len(g) or not bool(u.any()):
        return False
    pseudo = torch.linalg.pinv(g)

    def left(log: float) -> Tensor:
        y = float(A.diagonal().mean()) * 10**log
        return u @ (A + y * torch.eye(len(A), dtype=A.dtype)) @ pseudo

    def asymmetry(log: float) -> float:
        L = left(log)
        return float((L - L.mT).norm() / L.norm())

    at = min(range(-4 * WIDEST, 4 * WIDEST + 1), key=lambda k: asymmetry(k / 4)) / 4
    bounds = (at - 0.25, at + 0.25)
    best = minimize_scalar(asymmetry, bounds=bounds, method="bounded", options={"xatol": 1e-10})
    if not float(best.fun) <= SYMMETRIC:
        return False
    L = left(float(best.x))
    values = torch.linalg.eigvalsh(torch.linalg.inv((L + L.mT) / 2)).abs().sort().values
    spread = float((values[-2] - values[0]) / values[0])
    return spread <= EQUAL and float(values[-1] / values[0] - 1) > max(OTHER, 10 * spread)
