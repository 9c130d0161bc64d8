"""LR-13, LR-14, LR-15: alternating minimisation-descent (AMGD) without noise."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, parts_of
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
    kappa_s,
    lam_i,
    lam_max,
    mu_j,
    multiplier,
    n,
    q_batch,
    q_best,
    q_kfac,
    s_angle,
    s_next,
    t_steps,
)
from theory.linear_representation.steps import (
    NOISELESS as NO_NOISE,
)
from theory.linear_representation.steps import (
    error_cross,
    gradient_step,
    least_squares_head,
    tangent,
)

_EYE = sp.Identity(d)
_COSINES = (sp.Identity(k) + T * T.T).inv()

SINE_FACTOR = sp.Abs(1 - h * c_angle**2) / sp.sqrt(1 + h**2 * s_angle**2 * c_angle**2)
CYCLE_SINE2 = sp.Rational(1, 2) - 1 / h
LOCAL_MULTIPLIER = 1 - eta * lam_i * mu_j
BEST_MULTIPLIER = (kappa_H * kappa_s - 1) / (kappa_H * kappa_s + 1)
BATCH_MULTIPLIER = 1 - eta * lam_i * mu_j * (n - k) / n


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
    parts=parts_of(
        Kind.IDENTITY,
        sp.Tuple(
            sp.Eq(
                T_next,
                (sp.Identity(k) + eta * H * T * T.T * _COSINES).inv()
                * (sp.Identity(k) - eta * H * _COSINES)
                * T,
                evaluate=False,
            ),
            sp.Eq(G_R, _rescaled_step(), evaluate=False),
            sp.Eq(s_next, s_angle * SINE_FACTOR, evaluate=False),
        ),
        ("tangent", "rescaled", "sine"),
    ),
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
        "left; κ_H is the condition number of F⋆ᵀF⋆, and the constant 2 is optimal. If ηλ_max ≤ 2 "
        "the start may be at any distance. Beyond, an exact 2-cycle sits at sin²θ = 1/2 − "
        "1/(ηλ_max)."
    ),
    source=ATTRIBUTED + Source.derived("the constant 2"),
    parts=parts_of(
        Kind.BOUND,
        sp.Tuple(
            sp.Ge(dist_t, sp.Max(0, 1 - 2 / kappa_H) ** t_steps * dist),
            sp.Eq(
                SINE_FACTOR.subs(
                    {s_angle: sp.sqrt(CYCLE_SINE2), c_angle: sp.sqrt(1 - CYCLE_SINE2)}
                ),
                sp.Integer(1),
                evaluate=False,
            ),
        ),
        ("lower", "cycle"),
    ),
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

LR_15 = Claim(
    id="LR-15",
    title="Local rate: AMGD pays both condition numbers, KFAC none",
    says=(
        "Near the solution the entry of T along eigenvectors of H and of the Schur complement Σ_s "
        "is multiplied by 1 − ηλ_iμ_j per step. So the best step size gives (K − 1)/(K + 1), with "
        "K the product of both condition numbers. Noiseless Gaussian batches shorten the mean "
        "step by (n − k)/n. KFAC with a least-squares head has exactly 1 − η."
    ),
    source=DERIVED,
    parts=parts_of(
        Kind.RATE,
        sp.Tuple(
            sp.Eq(multiplier, LOCAL_MULTIPLIER, evaluate=False),
            sp.Eq(q_best, BEST_MULTIPLIER, evaluate=False),
            sp.Eq(q_batch, BATCH_MULTIPLIER, evaluate=False),
            sp.Eq(q_kfac, 1 - eta, evaluate=False),
        ),
        ("entry", "best", "batch", "kfac"),
    ),
    assumptions=(*RANKS, NOISELESS, NO_DAMPING, STEP_POSITIVE),
    example={**EXAMPLE, "noise_std": 0.0},
    beyond_paper=True,
)
