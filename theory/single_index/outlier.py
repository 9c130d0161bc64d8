"""SI-09: the outlier of G+ = G0 + theta u v', where G0 (N, d) has entries N(0, 1/d)."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.single_index.assumptions import (
    EXAMPLE,
    GAUSSIAN,
    NO_LEADER,
    NORMALISED,
    SLOPE,
    SPIKE_SEEN,
    SUPERCRITICAL,
    WIDTH_RATIO,
)
from theory.single_index.domain import need_finite, need_nonnegative, need_positive
from theory.single_index.notation import (
    beta_norm,
    c_act,
    eta_c,
    left2,
    rho2,
    right2,
    sigma_edge,
    sigma_out,
    teacher2,
    theta_c,
)
from theory.single_index.notation import spike as theta
from theory.single_index.notation import width_ratio as psi

_RIGHT = (theta**4 - psi) / (theta**2 * (theta**2 + 1))

SI_09 = Claim(
    id="SI-09",
    title="When the new weights have an outlier",
    says=(
        "One step adds a spike of strength ϑ to the random weights. Above ϑ = ψ^(1/4) the largest "
        "singular value leaves the bulk. Its left vector overlaps the head and its right vector "
        "the learned direction by explicit amounts, with the signs of the descent direction. The "
        "overlap with the teacher is that with the learned direction times ρ². Below the threshold "
        "the largest singular value is the edge of the bulk and the overlaps vanish."
    ),
    source=SPIKE_SEEN + Source.other_work("Benaych-Georges and Nadakuditi 2012: the threshold"),
    parts={
        "singular_value": Part(
            Kind.LIMIT, sp.Eq(sigma_out, sp.sqrt((1 + theta**2) * (psi + theta**2)) / theta)
        ),
        "left": Part(Kind.LIMIT, sp.Eq(left2, (theta**4 - psi) / (theta**2 * (theta**2 + psi)))),
        "right": Part(Kind.LIMIT, sp.Eq(right2, _RIGHT)),
        "teacher": Part(Kind.LIMIT, sp.Eq(teacher2, _RIGHT * rho2)),
        "threshold": Part(Kind.LIMIT, sp.Eq(theta_c, sp.root(psi, 4))),
        "critical_step": Part(
            Kind.LIMIT, sp.Eq(eta_c, sp.root(psi, 4) / (sp.Abs(c_act) * beta_norm))
        ),
        "edge": Part(Kind.LIMIT, sp.Eq(sigma_edge, 1 + sp.sqrt(psi))),
    },
    assumptions=(GAUSSIAN, NORMALISED, NO_LEADER, WIDTH_RATIO, SLOPE, SUPERCRITICAL),
    example=EXAMPLE,
)


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
    threshold = float(SI_09["threshold"].number(width_ratio=width_ratio))
    if strength <= threshold:
        edge = float(SI_09["edge"].number(width_ratio=width_ratio))
        return Outlier(threshold, edge, 0.0, 0.0)
    values = {"spike_strength": strength, "width_ratio": width_ratio}
    return Outlier(
        threshold=threshold,
        singular_value=float(SI_09["singular_value"].number(**values)),
        left_overlap2=float(SI_09["left"].number(**values)),
        right_overlap2=float(SI_09["right"].number(**values)),
    )


def critical_step_size(*, c_act: float, direction_norm: float, width_ratio: float) -> float:
    """Return the step size psi^(1/4) / (|c_act| |beta|) at which the outlier appears.

    Raises: ValueError if c_act is 0 or another value is not finite and > 0.
    Source: the threshold of ``outlier`` with |head| -> 1.
    """
    need_finite(c_act=c_act)
    need_positive(direction_norm=direction_norm, width_ratio=width_ratio, abs_c_act=abs(c_act))
    return float(
        SI_09["critical_step"].number(
            c_act=c_act, direction_norm=direction_norm, width_ratio=width_ratio
        )
    )
