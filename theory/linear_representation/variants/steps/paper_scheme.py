"""LR-47: the scheme of eq. (5) as written, the representation first and with the old head."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    NO_DAMPING,
    RANKS,
    STEP_BELOW_TWO,
    STEP_POSITIVE,
)
from theory.linear_representation.contraction.steps import (
    error_cross,
    kfac_step,
    least_squares_head,
)
from theory.linear_representation.noise_floors.floor_kfac import HEAD, KFAC_FLOOR, SCHUR
from theory.linear_representation.notation import (
    F,
    F_ls,
    F_next,
    G_next,
    Sigma_hat,
    count_q,
    d,
    eta,
    eta_F,
    floor,
    k,
    m,
    multiplier,
    n,
)

_HIDDEN = G_next * Sigma_hat * G_next.T

LR_47 = Claim(
    id="LR-47",
    title="The scheme of eq. (5) as written",
    says=(
        "Eq. (5) moves G with the old head and then F at the new G, on one batch and with a step "
        "size η_F of its own. The new head is (1 − η_F)F + η_F F_ls(G₊), so with η_F = 1 the "
        "representation sees the head of the batch before. Near a solution the multipliers are 1 "
        "(the gauge, k² times), (1 − η)(1 − η_F) (k² times), 1 − η (k(d − k) times) and 1 − η_F "
        "(k(m − k) times). The noise floor of T is that of LR-12 for every stable η_F, to leading "
        "order in σ²/n: neither the order of the layers nor η_F enters."
    ),
    source=DERIVED,
    parts={
        "floor": Part(Kind.LIMIT, sp.Eq(floor, KFAC_FLOOR, evaluate=False)),
        "head": Part(Kind.IDENTITY, sp.Eq(F_next, (1 - eta_F) * F + eta_F * F_ls, evaluate=False)),
        "near_shared": Part(Kind.RATE, sp.Eq(multiplier, (1 - eta) * (1 - eta_F), evaluate=False)),
        "near_shared_count": Part(Kind.IDENTITY, sp.Eq(count_q, k**2, evaluate=False)),
        "near_representation": Part(Kind.RATE, sp.Eq(multiplier, 1 - eta, evaluate=False)),
        "near_representation_count": Part(
            Kind.IDENTITY, sp.Eq(count_q, k * (d - k), evaluate=False)
        ),
        "near_head": Part(Kind.RATE, sp.Eq(multiplier, 1 - eta_F, evaluate=False)),
        "near_head_count": Part(Kind.IDENTITY, sp.Eq(count_q, k * (m - k), evaluate=False)),
        "near_gauge": Part(Kind.RATE, sp.Eq(multiplier, sp.Integer(1), evaluate=False)),
        "near_gauge_count": Part(Kind.IDENTITY, sp.Eq(count_q, k**2, evaluate=False)),
    },
    definitions={
        **HEAD,
        **SCHUR,
        G_next: kfac_step(),
        F_next: F - eta_F * (error_cross(F, G_next) * G_next.T) * _HIDDEN.inv(),
        F_ls: least_squares_head(G_next),
    },
    assumptions=(
        *RANKS,
        NO_DAMPING,
        GAUSSIAN,
        STEP_POSITIVE,
        STEP_BELOW_TWO,
        Assumption("a positive head step size", eta_F > 0),
        Assumption("the head is stable", eta_F < 2),
        Assumption("more rows than d + 1", n > d + 1),
    ),
    example={**EXAMPLE, "head_step_size": 0.5},
    beyond_paper=True,
)
