"""SI-09: the outlier of G+ = G0 + theta u v', where G0 (N, d) has entries N(0, 1/d)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import sympy as sp

from theory.core.formula import Formula
from theory.single_index.domain import need_nonnegative, need_positive
from theory.single_index.notation import spike as theta
from theory.single_index.notation import width_ratio as psi

THRESHOLD = Formula(sp.root(psi, 4))
SINGULAR_VALUE = Formula(sp.sqrt((1 + theta**2) * (psi + theta**2)) / theta)
LEFT_OVERLAP2 = Formula((theta**4 - psi) / (theta**2 * (theta**2 + psi)))
RIGHT_OVERLAP2 = Formula((theta**4 - psi) / (theta**2 * (theta**2 + 1)))
BULK_EDGE = Formula(1 + sp.sqrt(psi))


@dataclass(frozen=True)
class Outlier:
    """The largest singular value of G+ and what its singular vectors know.

    threshold: the spike strength above which there is an outlier; singular_value: its position, or
    the edge of the bulk below the threshold; left_overlap2: squared overlap with the head;
    right_overlap2: with the learned direction beta (times rho^2: with the teacher); both 0 below.
    """

    threshold: float
    singular_value: float
    left_overlap2: float
    right_overlap2: float


def outlier(*, strength: float, width_ratio: float) -> Outlier:
    """Return the outlier for ``strength`` = step_size |c_act| |head| |beta| and width_ratio = N/d.

    Raises: ValueError if strength is not finite and >= 0 or width_ratio not finite and > 0.
    Source: Benaych-Georges and Nadakuditi 2012, the rectangular case with a Gaussian matrix.
    """
    need_nonnegative(strength=strength)
    need_positive(width_ratio=width_ratio)
    threshold = THRESHOLD(width_ratio=width_ratio)
    if strength <= threshold:
        return Outlier(threshold, BULK_EDGE(width_ratio=width_ratio), 0.0, 0.0)
    values = {"spike_strength": strength, "width_ratio": width_ratio}
    return Outlier(
        threshold=threshold,
        singular_value=SINGULAR_VALUE(**values),
        left_overlap2=LEFT_OVERLAP2(**values),
        right_overlap2=RIGHT_OVERLAP2(**values),
    )


def critical_step_size(*, c_act: float, direction_norm: float, width_ratio: float) -> float:
    """Return the step size psi^(1/4) / (|c_act| |beta|) at which the outlier appears.

    Raises: ValueError if c_act is 0 or another value is not finite and > 0.
    Source: the threshold of ``outlier`` with |head| -> 1.
    """
    need_positive(direction_norm=direction_norm, width_ratio=width_ratio, abs_c_act=abs(c_act))
    return THRESHOLD(width_ratio=width_ratio) / (math.fabs(c_act) * direction_norm)
