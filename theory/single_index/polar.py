"""SI-12: the polar factor of the gradient (Muon, undamped one-step Shampoo) added to G0."""

from __future__ import annotations

import math

import sympy as sp
from scipy.optimize import brentq

from theory.core.formula import Formula
from theory.single_index.domain import need_nonnegative, need_positive
from theory.single_index.notation import eta, m_edge
from theory.single_index.notation import width_ratio as psi

# strictly convex in m on (-1, 0), infinite at both ends
EDGE_SQUARE = Formula(
    eta**2 / (1 + m_edge) ** 2 + (psi - 1) / (1 + m_edge) - 1 / (m_edge * (1 + m_edge))
)
# its derivative times m^2 (1 + m)^3 / 2 > 0: the same sign, no poles
STATIONARITY = Formula(
    sp.expand(sp.cancel(sp.diff(EDGE_SQUARE.expression, m_edge) * m_edge**2 * (1 + m_edge) ** 3))
)


def polar_edge(*, step_size: float, width_ratio: float) -> float:
    """Return the largest singular value of G0 + step_size O, O the polar factor of the gradient.

    There is no outlier for any step size: this is the edge of the bulk, of order step_size, while
    the top singular vector overlaps the teacher by O(1/d) only.
    Raises: ValueError if step_size is not finite and >= 0, or width_ratio = N/d not finite and >= 1
            (the formula for N < d is not established).
    Source: derived, from the free sum of a Gaussian matrix and a free isometry.
    """
    need_nonnegative(step_size=step_size)
    need_positive(width_ratio=width_ratio)
    if width_ratio < 1:
        raise ValueError(f"width_ratio={width_ratio!r}, needs >= 1")
    values = {"step_size": step_size, "width_ratio": width_ratio}

    def stationarity(m: float) -> float:
        return STATIONARITY(edge_parameter=m, **values)

    root = math.sqrt(width_ratio)
    left = -1 / (1 + root)  # the minimiser without a step; the true one lies right of it
    m = left if step_size == 0 else brentq(stationarity, left, 0.0, xtol=1e-15, rtol=1e-14)
    return math.sqrt(EDGE_SQUARE(edge_parameter=m, **values))
