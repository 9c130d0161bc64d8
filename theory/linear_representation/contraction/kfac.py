"""LR-03, LR-04, LR-06: one KFAC step on a finite batch, whatever the input covariance."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EQUATION_5,
    EXAMPLE,
    FULL_RANK_BATCH,
    NO_DAMPING,
    NOISELESS,
    NOISELESS_EXAMPLE,
    RANKS,
    STEP_BELOW_ONE,
    STEP_POSITIVE,
)
from theory.linear_representation.contraction.steps import (
    NOISELESS as NO_NOISE,
)
from theory.linear_representation.contraction.steps import (
    error_cross,
    kfac_step,
    least_squares_head,
    pseudo_inverse,
)
from theory.linear_representation.notation import (
    F,
    F_bad,
    F_ls,
    F_next,
    F_plus,
    F_star,
    G,
    G_bad,
    G_full,
    G_next,
    G_star,
    M,
    N,
    P_perp,
    Sigma_hat,
    d,
    dist_bad,
    dist_full,
    eta,
    eta_F,
    grad_F,
    grad_G,
    k,
)

_PROJECTOR = sp.Identity(d) - G_star.T * G_star
_NOISE = F_plus * N * Sigma_hat.inv()
_BAD_HEAD = (-eta / (1 - eta)) * F_star * (G * G_star.T).inv()


LR_03 = Claim(
    id="LR-03",
    title="A KFAC step is an average with the truth, for any input covariance",
    says=(
        "One undamped KFAC step on a batch moves the representation to (1 − η)G + ηF⁺F⋆G⋆ plus a "
        "noise term. The part of G outside the true subspace shrinks by exactly 1 − η, up to the "
        "same noise. This holds for any input covariance, any batch whose sample covariance can "
        "be inverted, and any head of full column rank."
    ),
    source=EQUATION_5,
    parts={
        "step": Part(
            Kind.IDENTITY,
            sp.Eq(
                G_next,
                (1 - eta) * G + eta * F_plus * F_star * G_star + eta * _NOISE,
                evaluate=False,
            ),
        ),
        "complement": Part(
            Kind.IDENTITY,
            sp.Eq(G_next * P_perp, (1 - eta) * G * P_perp + eta * _NOISE * P_perp, evaluate=False),
        ),
    },
    definitions={
        G_next: G - eta * (F.T * F).inv() * grad_G * Sigma_hat.inv(),
        grad_G: F.T * M,
        M: error_cross(),
        F_plus: pseudo_inverse(F),
        P_perp: _PROJECTOR,
    },
    assumptions=(*RANKS, FULL_RANK_BATCH, NO_DAMPING),
    example=EXAMPLE,
)

LR_04 = Claim(
    id="LR-04",
    title="The unnormalised part contracts, the subspace distance need not",
    says=(
        "Without noise the part GP⊥ shrinks by exactly 1 − η for every head. The subspace "
        "distance need not shrink: with the head F_b = −η/(1 − η) F⋆(GG⋆ᵀ)⁻¹ one step makes G "
        "orthogonal to the true subspace, at distance 1. A contraction of the distance therefore "
        "needs an assumption on the head, such as least squares. With η = 1 one step leaves "
        "nothing outside the true subspace: the distance is 0 for every head with invertible "
        "F⁺F⋆."
    ),
    source=DERIVED,
    parts={
        "unnormalised": Part(
            Kind.IDENTITY, sp.Eq(G_next * P_perp, (1 - eta) * G * P_perp, evaluate=False)
        ),
        "bad_head": Part(
            Kind.IDENTITY, sp.Eq(G_bad * G_star.T, sp.ZeroMatrix(k, k), evaluate=False)
        ),
        "bad_head_distance": Part(Kind.IDENTITY, sp.Eq(dist_bad, 1, evaluate=False)),
        "full_step": Part(
            Kind.IDENTITY, sp.Eq(G_full * P_perp, sp.ZeroMatrix(k, d), evaluate=False)
        ),
        "full_step_distance": Part(Kind.IDENTITY, sp.Eq(dist_full, 0, evaluate=False)),
    },
    definitions={
        G_next: kfac_step(noise=NO_NOISE),
        P_perp: _PROJECTOR,
        F_bad: _BAD_HEAD,
        G_bad: kfac_step(head=F_bad, noise=NO_NOISE),
        G_full: kfac_step(noise=NO_NOISE, step_size=sp.Integer(1)),
    },
    assumptions=(*RANKS, FULL_RANK_BATCH, NO_DAMPING, NOISELESS, STEP_POSITIVE, STEP_BELOW_ONE),
    example=NOISELESS_EXAMPLE,
    beyond_paper=True,
)

LR_06 = Claim(
    id="LR-06",
    title="The head step of KFAC averages with the least-squares head",
    says=(
        "The preconditioned step of the head leads to (1 − η_F)F + η_F F_ls. Here F_ls is the "
        "least-squares head for the current representation and batch. The gradient in the head "
        "vanishes at F_ls."
    ),
    source=EQUATION_5,
    parts={
        "average": Part(
            Kind.IDENTITY, sp.Eq(F_next, (1 - eta_F) * F + eta_F * F_ls, evaluate=False)
        ),
        "least_squares": Part(
            Kind.IDENTITY,
            sp.Eq(error_cross(head=F_ls) * G.T, sp.ZeroMatrix(F.rows, k), evaluate=False),
        ),
    },
    definitions={
        grad_F: M * G.T,
        M: error_cross(),
        F_next: F - eta_F * grad_F * (G * Sigma_hat * G.T).inv(),
        F_ls: least_squares_head(),
    },
    assumptions=(*RANKS, FULL_RANK_BATCH, NO_DAMPING),
    example=EXAMPLE,
)
