"""LR-20: the natural gradient with the true Fisher matrix, near a solution."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.guards import Array, number
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    NO_DAMPING,
    RANKS,
    STEP_POSITIVE,
)
from theory.linear_representation.contraction.steps import pseudo_inverse
from theory.linear_representation.notation import (
    A_g,
    F,
    F_plus,
    F_star,
    G,
    G_next,
    G_star,
    N,
    P_perp,
    R_gauge,
    Sigma_hat,
    count_q,
    d,
    eta,
    k,
    m,
    multiplier,
    order_q,
)
from theory.linear_representation.rates.spectra import modes, multiset, sizes_of

_MISFIT = F * G - F_star * G_star - N * Sigma_hat.inv()

LR_20 = Claim(
    id="LR-20",
    title="Local spectrum of the natural gradient with the true Fisher matrix",
    says=(
        "With the pseudo-inverse of the true Fisher matrix every direction but the gauge is "
        "multiplied by 1 − η. With η = 1 convergence is quadratic. With label noise, a step from "
        "the true subspace, G = RG⋆, leaves it by the noise of a KFAC step, ηF⁺NΣ̂⁻¹P⊥. The "
        "natural step differs from KFAC's by a part A_gG along the gauge, which stays in the "
        "subspace."
    ),
    source=DERIVED,
    parts={
        "natural_moving": Part(Kind.RATE, sp.Eq(multiplier, 1 - eta, evaluate=False)),
        "natural_moving_count": Part(
            Kind.IDENTITY, sp.Eq(count_q, k * (m + d - k), evaluate=False)
        ),
        "natural_gauge": Part(Kind.RATE, sp.Eq(multiplier, sp.Integer(1), evaluate=False)),
        "natural_gauge_count": Part(Kind.IDENTITY, sp.Eq(count_q, k**2, evaluate=False)),
        "order": Part(Kind.RATE, sp.Eq(order_q, sp.Integer(2), evaluate=False)),
        "noise": Part(
            Kind.IDENTITY,
            sp.Eq(G_next * P_perp, eta * F_plus * N * Sigma_hat.inv() * P_perp, evaluate=False),
        ),
    },
    definitions={
        G: R_gauge * G_star,
        G_next: G - eta * (F_plus * _MISFIT + A_g * G),
        F_plus: pseudo_inverse(F),
        P_perp: sp.Identity(d) - G_star.T * G_star,
    },
    assumptions=(*RANKS, NO_DAMPING, STEP_POSITIVE),
    example=EXAMPLE,
)


def natural_gradient_spectrum(
    *, step_size: float, rank: int, input_dim: int, output_dim: int
) -> Array:
    """Return the local multipliers of the true natural gradient, ascending, (k(m+d),).

    Raises: ValueError on a bad argument.
    Source: derived (LR-20).
    """
    step = number("step_size", step_size, low=0.0)
    return multiset(modes(LR_20, "natural", sizes_of(rank, input_dim, output_dim), step_size=step))
