"""LR-13, LR-14: alternating minimisation-descent (AMGD) without noise, isotropic input."""

import math

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.guards import count, number
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.assumptions import (
    ATTRIBUTED,
    DERIVED,
    EXAMPLE,
    ISOTROPIC,
    NO_DAMPING,
    NOISELESS,
    RANKS,
    STEP_POSITIVE,
)
from theory.linear_representation.contraction.steps import NOISELESS as NO_NOISE
from theory.linear_representation.contraction.steps import (
    error_cross,
    gradient_step,
    least_squares_head,
    tangent,
)
from theory.linear_representation.notation import (
    F_R,
    G_R,
    F_ls,
    F_star,
    G_next,
    G_o,
    H,
    R_gauge,
    T,
    T_next,
    c_angle,
    d,
    dist,
    dist_t,
    eta,
    h,
    k,
    kappa_H,
    lam_max,
    q_best,
    s_angle,
    s_next,
    t_steps,
)

_EYE = sp.Identity(d)
_COSINES = (sp.Identity(k) + T * T.T).inv()


def isotropic_head(representation: sp.MatrixExpr) -> sp.MatrixExpr:
    """The noiseless least-squares head for Sigma = I."""
    return least_squares_head(representation, _EYE, NO_NOISE)


def isotropic_step(head: sp.MatrixExpr, representation: sp.MatrixExpr) -> sp.MatrixExpr:
    """One population AMGD step for Sigma = I, before the rows are orthonormalised again."""
    return gradient_step(head, representation, _EYE, NO_NOISE)


def _rescaled_step() -> sp.MatrixExpr:
    gradient = F_ls.T * error_cross(F_ls, G_o, _EYE, NO_NOISE)
    return R_gauge * (G_o - eta * (R_gauge.T * R_gauge).inv() * gradient)


LR_13 = Claim(
    id="LR-13",
    title="Exact angle dynamics of AMGD for isotropic input",
    says=(
        "With orthonormal rows before the step, the tangent matrix T becomes (I + ηHTTᵀ(I + "
        "TTᵀ)⁻¹)⁻¹(I − ηH(I + TTᵀ)⁻¹)T. Along an eigenvector of H the sine is multiplied by |1 − "
        "hc²|/√(1 + h²s²c²). Rows that are not orthonormal, G = RG_o, rescale the step size by "
        "(RᵀR)⁻¹."
    ),
    source=DERIVED,
    parts={
        "tangent": Part(
            Kind.IDENTITY,
            sp.Eq(
                T_next,
                (sp.Identity(k) + eta * H * T * T.T * _COSINES).inv()
                * (sp.Identity(k) - eta * H * _COSINES)
                * T,
                evaluate=False,
            ),
        ),
        "rescaled": Part(Kind.IDENTITY, sp.Eq(G_R, _rescaled_step(), evaluate=False)),
        "sine": Part(
            Kind.IDENTITY,
            sp.Eq(
                s_next,
                s_angle * sp.Abs(1 - h * c_angle**2) / sp.sqrt(1 + h**2 * s_angle**2 * c_angle**2),
                evaluate=False,
            ),
        ),
    },
    definitions={
        T: tangent(G_o),
        H: F_star.T * F_star,
        T_next: tangent(G_next),
        G_next: isotropic_step(F_ls, G_o),
        F_ls: isotropic_head(G_o),
        G_R: isotropic_step(F_R, R_gauge * G_o),
        F_R: isotropic_head(R_gauge * G_o),
    },
    assumptions=(*RANKS, ISOTROPIC, NOISELESS, NO_DAMPING),
    example={**EXAMPLE, "noise_std": 0.0},
)

LR_14 = Claim(
    id="LR-14",
    title="AMGD cannot escape the condition number of the head",
    says=(
        "For isotropic input and every fixed step size there is a start at a distance in (0, 1) "
        "from which, after t steps, at least the share max(0, 1 − 2/κ_H)ᵗ of the distance is "
        "left; κ_H is the condition number of F⋆ᵀF⋆. If ηλ_max ≤ 2 the start may be at any "
        "distance. Beyond, an exact 2-cycle sits at sin²θ = 1/2 − 1/(ηλ_max). Near the solution "
        "the best step size multiplies the distance by 1 − 2/(κ_H + 1), so the constant 2 is "
        "optimal."
    ),
    source=ATTRIBUTED + Source.derived("the constant 2"),
    parts={
        "lower": Part(Kind.BOUND, sp.Ge(dist_t, sp.Max(0, 1 - 2 / kappa_H) ** t_steps * dist)),
        "cycle": Part(Kind.IDENTITY, sp.Eq(s_angle**2, sp.Rational(1, 2) - 1 / h, evaluate=False)),
        "optimal": Part(Kind.RATE, sp.Eq(q_best, 1 - 2 / (kappa_H + 1), evaluate=False)),
    },
    definitions={h: eta * lam_max},
    assumptions=(
        *RANKS,
        ISOTROPIC,
        NOISELESS,
        NO_DAMPING,
        STEP_POSITIVE,
        Assumption("the start is not the solution", dist > 0),
        Assumption("a start at distance 1 is stuck for ever and is excluded", dist < 1),
    ),
    example={
        **EXAMPLE,
        "noise_std": 0.0,
        "head_condition_number": 10.0,
        "head_max": 2.0,
        "num_steps": 20,
        "distance": 0.5,
    },
    beyond_paper=True,
)


def amgd_sine_step(sine: float, *, scaled_step: float) -> float:
    """Return the sine after one isotropic AMGD step along an eigenvector of H.

    scaled_step: step size times that eigenvalue, >= 0.
    Raises: ValueError if sine is outside [0, 1] or scaled_step < 0.
    Source: derived (LR-13).
    """
    s = number("sine", sine, low=0.0, high=1.0)
    step = number("scaled_step", scaled_step, low=0.0)
    cosine = math.sqrt((1 - s) * (1 + s))
    return float(LR_13["sine"].number(sine=s, cosine=cosine, scaled_step=step))


def amgd_lower_bound(distance: float, *, head_condition_number: float, num_steps: int) -> float:
    """Return max(0, 1 - 2/kappa)^t times the start distance: some start is never below it.

    Raises: ValueError if distance is outside (0, 1), head_condition_number < 1, num_steps < 0.
    Source: Collins et al. 2021 setting; constant derived (LR-14).
    """
    return float(
        LR_14["lower"].number(
            distance=number("distance", distance, low=0.0, high=1.0, open_low=True, open_high=True),
            head_condition_number=number("head_condition_number", head_condition_number, low=1.0),
            num_steps=count("num_steps", num_steps, low=0),
        )
    )


def amgd_two_cycle(*, step_size: float, head_max: float) -> float:
    """Return the sine at which isotropic AMGD repeats itself every second step.

    Raises: ValueError unless step_size * head_max > 2.
    Source: derived (LR-14).
    """
    step = number("step_size", step_size, low=0.0)
    largest = number("head_max", head_max, low=0.0)
    number("step_size * head_max", step * largest, low=2.0, open_low=True)
    return math.sqrt(LR_14["cycle"].number(step_size=step, head_max=largest))
