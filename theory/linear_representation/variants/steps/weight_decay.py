"""LR-39: what weight decay does to the product, to the local spectrum and to the subspace."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    NO_DAMPING,
    NOISELESS,
    RANKS,
    STEP_POSITIVE,
)
from theory.linear_representation.contraction.steps import NOISELESS as NO_NOISE
from theory.linear_representation.contraction.steps import error_cross
from theory.linear_representation.notation import (
    B,
    F,
    G,
    G_star,
    Sigma,
    count_q,
    d,
    eta,
    eta_F,
    grad_F,
    grad_G,
    k,
    m,
    multiplier,
)
from theory.linear_representation.variants.steps.notation import H_r, T_w, c_P, q_G, t_w, w_d

_ERROR = error_cross(F, G, Sigma, NO_NOISE)

LR_39 = Claim(
    id="LR-39",
    title="Weight decay",
    says=(
        "Decoupled decay w_d of joint KFAC shrinks the product to F⋆G⋆/(1 + w_d) and leaves the "
        "subspace: T = 0 stays. The multipliers are 1 (k² times), 1 − (η + η_F)(1 + w_d) (k² "
        "times), 1 − η(1 + w_d) (k(d − k) times) and 1 − η_F(1 + w_d) (k(m − k) times). With a "
        "refitted head the decay only shrinks G, by 1 − ηw_d per step, and T contracts by "
        "1 − η/(1 − ηw_d). Coupled decay moves the solution: there the gradients are −w_dG and "
        "−w_dF, so F'F = GG', and no preconditioner enters: KFAC and SGD stop at the same point. "
        "Its subspace is off by w_d H^(−1/2) Σ_ss⁻¹ Σ_sp Σ_s⁻¹ to first order in w_d, which is "
        "zero exactly if Σ_sp = 0."
    ),
    source=DERIVED,
    parts={
        "product": Part(Kind.IDENTITY, sp.Eq(c_P, 1 / (1 + w_d), evaluate=False)),
        "tangent": Part(Kind.IDENTITY, sp.Eq(t_w, sp.Integer(0), evaluate=False)),
        "decoupled_shared": Part(
            Kind.RATE, sp.Eq(multiplier, 1 - (eta + eta_F) * (1 + w_d), evaluate=False)
        ),
        "decoupled_shared_count": Part(Kind.IDENTITY, sp.Eq(count_q, k**2, evaluate=False)),
        "decoupled_representation": Part(
            Kind.RATE, sp.Eq(multiplier, 1 - eta * (1 + w_d), evaluate=False)
        ),
        "decoupled_representation_count": Part(
            Kind.IDENTITY, sp.Eq(count_q, k * (d - k), evaluate=False)
        ),
        "decoupled_head": Part(Kind.RATE, sp.Eq(multiplier, 1 - eta_F * (1 + w_d), evaluate=False)),
        "decoupled_head_count": Part(Kind.IDENTITY, sp.Eq(count_q, k * (m - k), evaluate=False)),
        "decoupled_gauge": Part(Kind.RATE, sp.Eq(multiplier, sp.Integer(1), evaluate=False)),
        "decoupled_gauge_count": Part(Kind.IDENTITY, sp.Eq(count_q, k**2, evaluate=False)),
        "refit_tangent": Part(
            Kind.RATE, sp.Eq(multiplier, 1 - eta / (1 - eta * w_d), evaluate=False)
        ),
        "refit_norm": Part(Kind.RATE, sp.Eq(q_G, 1 - eta * w_d, evaluate=False)),
        "coupled_gradient": Part(Kind.IDENTITY, sp.Eq(grad_G, -w_d * G, evaluate=False)),
        "coupled_head_gradient": Part(Kind.IDENTITY, sp.Eq(grad_F, -w_d * F, evaluate=False)),
        "coupled_balance": Part(Kind.IDENTITY, sp.Eq(F.T * F, G * G.T, evaluate=False)),
        "coupled_tangent": Part(
            Kind.LIMIT, sp.Eq(T_w, -H_r.inv() * G_star * Sigma.inv() * B.T, evaluate=False)
        ),
    },
    definitions={grad_G: F.T * _ERROR, grad_F: _ERROR * G.T},
    assumptions=(
        *RANKS,
        NOISELESS,
        NO_DAMPING,
        STEP_POSITIVE,
        Assumption("a positive head step size", eta_F > 0),
        Assumption("joint KFAC is stable", (eta + eta_F) * (1 + w_d) < 2),
    ),
    example={**EXAMPLE, "noise_std": 0.0, "head_step_size": 0.2, "decay_rate": 0.1},
    beyond_paper=True,
)
