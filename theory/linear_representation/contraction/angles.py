"""LR-07: exact dynamics of the principal angles under KFAC with a least-squares head."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    FULL_RANK_BATCH,
    NO_DAMPING,
    NOISELESS,
    RANKS,
)
from theory.linear_representation.contraction.steps import (
    NOISELESS as NO_NOISE,
)
from theory.linear_representation.contraction.steps import (
    kfac_step,
    least_squares_head,
    tangent,
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
    Sigma,
    T,
    T_iso,
    T_next,
    W,
    d,
    eta,
    k,
    theta,
    theta_next,
)

_EYE = sp.Identity(d)
TANGENT_MAP = (1 - eta) * sp.tan(theta) / (1 + eta * sp.tan(theta) ** 2)
WELL_POSED = (*RANKS, FULL_RANK_BATCH, NO_DAMPING, NOISELESS)
ANGLE_EXAMPLE = {
    **EXAMPLE,
    "noise_std": 0.0,
    "angle": 0.3,
    "num_steps": 5,
    "distance_covariance": 0.3,
}


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


LR_07 = Claim(
    id="LR-07",
    title="Exact angle dynamics of KFAC with a least-squares head",
    says=(
        "One step takes the tangent matrix T of the principal angles to (1 − η)(I + ηTW)⁻¹T. The "
        "input covariance enters through W alone. For isotropic input every tangent t becomes (1 "
        "− η)t / (1 + ηt²). A change of basis of the representation before the step gives the "
        "same change of basis after it."
    ),
    source=DERIVED,
    parts={
        "tangent": Part(Kind.IDENTITY, sp.Eq(T_next, angle_map(T, W), evaluate=False)),
        "isotropic": Part(Kind.IDENTITY, sp.Eq(T_iso, angle_map(T, T.T), evaluate=False)),
        "gauge": Part(Kind.IDENTITY, sp.Eq(G_R, R_gauge * G_next, evaluate=False)),
        "isotropic_angle": Part(Kind.IDENTITY, sp.Eq(sp.tan(theta_next), TANGENT_MAP)),
    },
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
    assumptions=WELL_POSED,
    example=ANGLE_EXAMPLE,
    beyond_paper=True,
)
