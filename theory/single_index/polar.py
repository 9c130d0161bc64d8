"""SI-12: the polar factor of the gradient (Muon, undamped one-step Shampoo) added to G0."""

from __future__ import annotations

import math

import sympy as sp
from scipy.optimize import brentq

from theory.core.claim import Claim
from theory.core.guards import in_float_range
from theory.core.part import Kind, Part
from theory.single_index.assumptions import (
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    ISOTROPIC_TEACHER,
    NO_LEADER,
    NORMALISED,
    STEP,
    TALL,
    UNCOUPLED,
)
from theory.single_index.domain import need_nonnegative, need_positive
from theory.single_index.gaussian_equivalent import ONE, isotropic, sgd_alignment
from theory.single_index.notation import eta, image2, m_edge, rho2, teacher2, z_edge
from theory.single_index.notation import width_ratio as psi

# strictly convex in m on (-1, 0), infinite at both ends
_EDGE_SQUARE = eta**2 / (1 + m_edge) ** 2 + (psi - 1) / (1 + m_edge) - 1 / (m_edge * (1 + m_edge))
# where its derivative vanishes; the right side increases from 0 to infinity in m
_ETA_SQUARE = (1 + m_edge) * ((1 + 2 * m_edge) / m_edge**2 - (psi - 1)) / 2

SI_12 = Claim(
    id="SI-12",
    title="An orthogonalised gradient leaves no spike",
    says=(
        "Muon and undamped one-step Shampoo replace the gradient by its polar factor O, which has "
        "all singular values equal. The new weights then have no outlier for any step size, only "
        "a bulk edge. The top singular vector overlaps the teacher by O(1/d). Seen through the "
        "head the step still points along the direction of SGD. Where the labels have a mean and "
        "the activation a mean curvature (ReLU on ReLU labels), gradient and weights are not free "
        "of each other, and the edge lies about 1 % higher."
    ),
    source=DERIVED,
    parts={
        "edge": Part(Kind.LIMIT, sp.Eq(z_edge, _EDGE_SQUARE)),
        "stationary": Part(Kind.IDENTITY, sp.Eq(eta**2, _ETA_SQUARE, evaluate=False)),
        "teacher": Part(Kind.LIMIT, sp.Eq(teacher2, 0, evaluate=False)),
        "head_image": Part(Kind.LIMIT, sp.Eq(image2, 1, evaluate=False)),
        "image_alignment": Part(Kind.LIMIT, sp.Eq(rho2, isotropic(sgd_alignment(ONE)))),
    },
    assumptions=(
        GAUSSIAN,
        ISOTROPIC_TEACHER,
        NORMALISED,
        NO_LEADER,
        TALL,
        STEP,
        UNCOUPLED,
    ),
    example=EXAMPLE,
    beyond_paper=True,
)


def edge_parameter(*, step_size: float, width_ratio: float) -> float:
    """Return the m in (-1, 0) at which the edge formula of SI-12 is stationary.

    Raises: ValueError if step_size is not finite and >= 0, or width_ratio = N/d not finite and >= 1
            (the formula for N < d is not established).
    """
    need_nonnegative(step_size=step_size)
    need_positive(width_ratio=width_ratio)
    if width_ratio < 1:
        raise ValueError(f"width_ratio={width_ratio!r}, needs >= 1")
    left = -1 / (1 + math.sqrt(width_ratio))  # the minimiser without a step
    if step_size == 0:
        return left
    # there (1 + m)/2 >= 1/4 and (1 + 2m)/m^2 - (psi - 1) > 4 step_size^2
    right = -1 / (2 * (1 + step_size + width_ratio))
    stationary = SI_12["stationary"]

    def excess(m: float) -> float:
        return float(stationary.number(edge_parameter=m, width_ratio=width_ratio)) - step_size**2

    return float(brentq(excess, left, right, xtol=1e-15, rtol=1e-14))


@in_float_range
def polar_edge(*, step_size: float, width_ratio: float) -> float:
    """Return the largest singular value of G0 + step_size O, O the polar factor of the gradient.

    There is no outlier for any step size: this is the edge of the bulk, of order step_size, while
    the top singular vector overlaps the teacher by O(1/d) only.
    Raises: ValueError as ``edge_parameter``.
    Source: derived, from the free sum of a Gaussian matrix and a free isometry.
    """
    m = edge_parameter(step_size=step_size, width_ratio=width_ratio)
    known = {"step_size": step_size, "width_ratio": width_ratio, "edge_parameter": m}
    return math.sqrt(SI_12["edge"].number(**known))
