"""LR-28: the global law of KFAC in the Sigma inner product."""

import math

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.guards import count, number
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import DERIVED, STEP_UP_TO_ONE
from theory.linear_representation.contraction.angles import (
    ANGLE_EXAMPLE,
    TANGENT_MAP,
    WELL_POSED,
    population_head,
    population_step,
)
from theory.linear_representation.notation import (
    F_ls,
    F_met,
    F_star,
    G,
    G_met,
    G_next,
    G_star,
    S_c,
    S_next,
    Sigma,
    dist_cov,
    dist_t,
    eta,
    k,
    kappa,
    t_steps,
    theta,
    theta_damped,
    theta_next,
)

_TRUE_GRAM = G_star * Sigma * G_star.T


def complement_part(representation: sp.MatrixExpr) -> sp.MatrixExpr:
    """G*SigmaG*' (G Sigma G*')^{-1} G - G*: orthogonal to G* in the Sigma inner product."""
    return _TRUE_GRAM * (representation * Sigma * G_star.T).inv() * representation - G_star


LR_28 = Claim(
    id="LR-28",
    title="Global law of KFAC: the condition number costs one logarithm",
    says=(
        "Angles are measured in the Σ inner product. KFAC with a least-squares head takes every "
        "principal angle exactly from tan θ to (1 − η)tan θ / (1 + η tan²θ), from every start "
        "that is not orthogonal to the truth. So after t steps the Euclidean distance is at most "
        "√κ (1 − η)ᵗ times the Σ-weighted distance of the start: the condition number costs (ln "
        "√κ)/η steps, once. The law fails with damping: near the truth a damped step leaves a "
        "larger angle. It fails with a re-used head: with F_c one step makes G Σ-orthogonal to "
        "the truth."
    ),
    source=DERIVED,
    parts={
        "complement": Part(
            Kind.IDENTITY,
            sp.Eq(
                S_next,
                (1 - eta)
                * (sp.Identity(k) + eta * S_c * Sigma * S_c.T * _TRUE_GRAM.inv()).inv()
                * S_c,
                evaluate=False,
            ),
        ),
        "tangent": Part(Kind.IDENTITY, sp.Eq(sp.tan(theta_next), TANGENT_MAP)),
        "sine": Part(
            Kind.IDENTITY,
            sp.Eq(
                sp.sin(theta_next),
                (1 - eta) * sp.sin(theta) / sp.sqrt(1 + eta**2 * sp.tan(theta) ** 2),
            ),
        ),
        "distance": Part(
            Kind.BOUND, sp.Le(dist_t, sp.sqrt(kappa) * (1 - eta) ** t_steps * dist_cov)
        ),
        "damped": Part(Kind.BOUND, sp.Gt(sp.tan(theta_damped), TANGENT_MAP)),
        "reused_head": Part(
            Kind.IDENTITY, sp.Eq(G_met * Sigma * G_star.T, sp.ZeroMatrix(k, k), evaluate=False)
        ),
    },
    definitions={
        S_c: complement_part(G),
        S_next: complement_part(G_next),
        G_next: population_step(F_ls, G),
        F_ls: population_head(G),
        F_met: (-eta / (1 - eta)) * F_star * _TRUE_GRAM * (G * Sigma * G_star.T).inv(),
        G_met: population_step(F_met, G),
    },
    assumptions=(
        *WELL_POSED,
        STEP_UP_TO_ONE,
        Assumption("no direction of the start is orthogonal to the truth", theta < sp.pi / 2),
    ),
    example=ANGLE_EXAMPLE,
    beyond_paper=True,
)


def global_tangent(tan_theta: float, *, step_size: float) -> float:
    """Return the tangent, in the Sigma inner product, of a principal angle after one KFAC step.

    Raises: ValueError if tan_theta < 0 or step_size outside [0, 1].
    Source: derived (LR-28; LR-07 for isotropic input).
    """
    theta = math.atan(number("tan_theta", tan_theta, low=0.0))
    eta = number("step_size", step_size, low=0.0, high=1.0)
    return float(LR_28["tangent"].number(angle=theta, step_size=eta))


def global_sine(sin_theta: float, *, step_size: float) -> float:
    """Return the sine, in the Sigma inner product, of a principal angle after one KFAC step.

    Raises: ValueError if sin_theta outside [0, 1) or step_size outside [0, 1].
    Source: derived (LR-28).
    """
    theta = math.asin(number("sin_theta", sin_theta, low=0.0, high=1.0, open_high=True))
    eta = number("step_size", step_size, low=0.0, high=1.0)
    return float(LR_28["sine"].number(angle=theta, step_size=eta))


def global_distance_bound(
    distance_covariance: float, *, condition_number: float, step_size: float, num_steps: int
) -> float:
    """Return sqrt(kappa) (1-eta)^t times the Sigma-weighted distance at the start.

    It bounds the Euclidean subspace distance after num_steps steps.
    Raises: ValueError if the distance is outside [0, 1), condition_number < 1, step_size outside
    [0, 1] or num_steps < 0.
    Source: derived (LR-28).
    """
    return float(
        LR_28["distance"].number(
            distance_covariance=number(
                "distance_covariance", distance_covariance, low=0.0, high=1.0, open_high=True
            ),
            condition_number=number("condition_number", condition_number, low=1.0),
            step_size=number("step_size", step_size, low=0.0, high=1.0),
            num_steps=count("num_steps", num_steps, low=0),
        )
    )
