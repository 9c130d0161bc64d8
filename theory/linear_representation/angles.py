"""LR-07, LR-28: exact dynamics of the principal angles under KFAC with a least-squares head."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, parts_of
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    FULL_RANK_BATCH,
    NO_DAMPING,
    NOISELESS,
    RANKS,
    STEP_UP_TO_ONE,
)
from theory.linear_representation.notation import (
    F_R,
    G_R,
    B,
    F_iso,
    F_ls,
    G,
    G_iso,
    G_next,
    G_star,
    R_gauge,
    S_c,
    S_next,
    Sigma,
    T,
    T_iso,
    T_next,
    W,
    d,
    dist_cov,
    dist_t,
    eta,
    k,
    kappa,
    t_steps,
    theta,
    theta_next,
)
from theory.linear_representation.steps import (
    NOISELESS as NO_NOISE,
)
from theory.linear_representation.steps import (
    kfac_step,
    least_squares_head,
    tangent,
)

_EYE = sp.Identity(d)
_WELL_POSED = (*RANKS, FULL_RANK_BATCH, NO_DAMPING, NOISELESS)
_EXAMPLE = {**EXAMPLE, "noise_std": 0.0, "angle": 0.3, "num_steps": 5, "distance_covariance": 0.3}


def population_head(representation: sp.MatrixExpr, cov: sp.MatrixExpr = Sigma) -> sp.MatrixExpr:
    """The noiseless least-squares head of the representation."""
    return least_squares_head(representation, cov, NO_NOISE)


def population_step(
    head: sp.MatrixExpr, representation: sp.MatrixExpr, cov: sp.MatrixExpr = Sigma
) -> sp.MatrixExpr:
    """One noiseless KFAC step."""
    return kfac_step(head, representation, cov, NO_NOISE)


def angle_map(tangents: sp.MatrixExpr, pull_back: sp.MatrixExpr) -> sp.MatrixExpr:
    """(1 - eta)(I + eta T W)^{-1} T, the tangent matrix after the step."""
    return (1 - eta) * (sp.Identity(k) + eta * tangents * pull_back).inv() * tangents


def complement_part(representation: sp.MatrixExpr) -> sp.MatrixExpr:
    """G*SigmaG*' (G Sigma G*')^{-1} G - G*: orthogonal to G* in the Sigma inner product."""
    inner = G_star * Sigma * G_star.T
    return inner * (representation * Sigma * G_star.T).inv() * representation - G_star


LR_07 = Claim(
    id="LR-07",
    title="Exact angle dynamics of KFAC with a least-squares head",
    says=(
        "One step takes the tangent matrix T of the principal angles to (1 − η)(I + ηTW)⁻¹T, "
        "where W carries the input covariance. For isotropic input every tangent t becomes (1 − "
        "η)t / (1 + ηt²). A change of basis of the representation changes nothing."
    ),
    source=DERIVED,
    parts=parts_of(
        Kind.IDENTITY,
        sp.Tuple(
            sp.Eq(T_next, angle_map(T, W), evaluate=False),
            sp.Eq(T_iso, angle_map(T, T.T), evaluate=False),
            sp.Eq(G_R, R_gauge * G_next, evaluate=False),
            sp.Eq(sp.tan(theta_next), (1 - eta) * sp.tan(theta) / (1 + eta * sp.tan(theta) ** 2)),
        ),
        ("tangent", "isotropic", "gauge", "isotropic_angle"),
    ),
    definitions={
        T: tangent(G),
        T_next: tangent(G_next),
        G_next: population_step(F_ls, G),
        F_ls: population_head(G),
        W: B * Sigma * (G_star + T * B).T * (G_star * Sigma * (G_star + T * B).T).inv(),
        T_iso: tangent(G_iso),
        G_iso: population_step(F_iso, G, _EYE),
        F_iso: population_head(G, _EYE),
        G_R: population_step(F_R, R_gauge * G),
        F_R: population_head(R_gauge * G),
    },
    assumptions=_WELL_POSED,
    example=_EXAMPLE,
    beyond_paper=True,
)

LR_28 = Claim(
    id="LR-28",
    title="Global law of KFAC: the condition number costs one logarithm",
    says=(
        "Measured in the Σ inner product, KFAC with a least-squares head takes every principal "
        "angle exactly from tan θ to (1 − η)tan θ / (1 + η tan²θ), from any start that is not "
        "orthogonal to the truth. So after t steps the Euclidean distance is at most √κ (1 − η)ᵗ "
        "times the Σ-weighted distance of the start: the condition number costs (ln √κ)/η steps, "
        "once. This is the exact sense of “free of the condition number”; it fails with damping "
        "or a re-used head."
    ),
    source=DERIVED,
    parts=parts_of(
        Kind.IDENTITY,
        sp.Tuple(
            sp.Eq(
                S_next,
                (1 - eta)
                * (
                    sp.Identity(k) + eta * S_c * Sigma * S_c.T * (G_star * Sigma * G_star.T).inv()
                ).inv()
                * S_c,
                evaluate=False,
            ),
            sp.Eq(sp.tan(theta_next), (1 - eta) * sp.tan(theta) / (1 + eta * sp.tan(theta) ** 2)),
            sp.Eq(
                sp.sin(theta_next),
                (1 - eta) * sp.sin(theta) / sp.sqrt(1 + eta**2 * sp.tan(theta) ** 2),
            ),
            sp.Le(dist_t, sp.sqrt(kappa) * (1 - eta) ** t_steps * dist_cov),
        ),
        ("complement", "tangent", "sine", "distance"),
    ),
    definitions={
        S_c: complement_part(G),
        S_next: complement_part(G_next),
        G_next: population_step(F_ls, G),
        F_ls: population_head(G),
    },
    assumptions=(
        *_WELL_POSED,
        STEP_UP_TO_ONE,
        Assumption("no direction of the start is orthogonal to the truth", theta < sp.pi / 2),
    ),
    example=_EXAMPLE,
    beyond_paper=True,
)
