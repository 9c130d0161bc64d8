"""LR-37: the local spectrum of damped KFAC on both layers."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import DERIVED, EXAMPLE, NOISELESS, RANKS
from theory.linear_representation.notation import (
    D_FG,
    F,
    F_next,
    F_star,
    G,
    G_next,
    G_star,
    Sigma,
    count_q,
    d,
    eta,
    eta_F,
    k,
    lam,
    lam_i,
    m,
    multiplier,
)
from theory.linear_representation.variants.factors.notation_outputs import (
    J_row,
    lam_F,
    lam_O,
    lam_P,
    s_ss,
)

ERROR = F * G - F_star * G_star
HIDDEN = G * Sigma * G.T + lam_F * sp.Identity(k)
OUTPUTS = F.T * F + lam_P * sp.Identity(k)
INPUTS = Sigma + lam * sp.Identity(d)
HEAD_STEP = eta_F / (1 + lam_O)

LR_37 = Claim(
    id="LR-37",
    title="Local spectrum of damped joint KFAC",
    says=(
        "With both layers moved at once, one step changes the product FG, to first order in the "
        "steps, by a map of FG − F⋆G⋆ from the left and the right. At a solution it splits into "
        "one map J_row of rows in d dimensions for every eigenvalue λ_i of FᵀF, the multipliers 1 "
        "− η_F s_h/((1 + l_O)(s_h + λ_F)) outside the range of F, m − k of them for every "
        "eigenvalue s_h of GΣGᵀ, and 1 for the k² gauge directions. l_O is what is added to the "
        "output factor I of the last layer. The multipliers depend on the basis of the "
        "representation, because damping does."
    ),
    source=DERIVED,
    parts={
        "product": Part(
            Kind.IDENTITY,
            sp.Eq(
                D_FG,
                -eta * F * OUTPUTS.inv() * F.T * ERROR * Sigma * INPUTS.inv()
                - HEAD_STEP * ERROR * Sigma * G.T * HIDDEN.inv() * G,
                evaluate=False,
            ),
        ),
        "range": Part(
            Kind.RATE,
            sp.Eq(
                J_row,
                sp.Identity(d)
                - eta * lam_i / (lam_i + lam_P) * Sigma * INPUTS.inv()
                - HEAD_STEP * Sigma * G.T * HIDDEN.inv() * G,
                evaluate=False,
            ),
        ),
        "outside": Part(
            Kind.RATE, sp.Eq(multiplier, 1 - HEAD_STEP * s_ss / (s_ss + lam_F), evaluate=False)
        ),
        "outside_count": Part(Kind.IDENTITY, sp.Eq(count_q, m - k, evaluate=False)),
        "gauge": Part(Kind.RATE, sp.Eq(multiplier, sp.Integer(1), evaluate=False)),
        "gauge_count": Part(Kind.IDENTITY, sp.Eq(count_q, k**2, evaluate=False)),
    },
    definitions={
        D_FG: F * (G_next - G) + (F_next - F) * G,
        G_next: G - eta * (OUTPUTS.inv() * (F.T * (ERROR * Sigma)) * INPUTS.inv()),
        F_next: F - HEAD_STEP * ((ERROR * Sigma * G.T) * HIDDEN.inv()),
    },
    assumptions=(*RANKS, NOISELESS, Assumption("a positive step size", eta > 0)),
    example={**EXAMPLE, "noise_std": 0.0, "damping": 0.5, "head_step_size": 0.1},
    beyond_paper=True,
)
