"""LR-19: the local spectrum of KFAC on both layers, at once and one after the other."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.guards import Array, number, truth
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    NO_DAMPING,
    NOISELESS,
    RANKS,
    STEP_POSITIVE,
)
from theory.linear_representation.notation import count_q, d, eta, eta_F, k, m, multiplier
from theory.linear_representation.rates.spectra import modes, multiset, sizes_of

LR_19 = Claim(
    id="LR-19",
    title="Local spectrum of joint KFAC",
    says=(
        "With both layers at once the multipliers are 1 (the gauge, k² times), 1 − η − η_F (k² "
        "times), 1 − η (k(d − k) times) and 1 − η_F (k(m − k) times). They are stable exactly if "
        "η + η_F < 2. With one layer after the other, (1 − η)(1 − η_F) takes the place of 1 − η − "
        "η_F. No covariance and no head enters."
    ),
    source=DERIVED,
    parts={
        "together_joint": Part(Kind.RATE, sp.Eq(multiplier, 1 - eta - eta_F, evaluate=False)),
        "together_joint_count": Part(Kind.IDENTITY, sp.Eq(count_q, k**2, evaluate=False)),
        "together_representation": Part(Kind.RATE, sp.Eq(multiplier, 1 - eta, evaluate=False)),
        "together_representation_count": Part(
            Kind.IDENTITY, sp.Eq(count_q, k * (d - k), evaluate=False)
        ),
        "together_head": Part(Kind.RATE, sp.Eq(multiplier, 1 - eta_F, evaluate=False)),
        "together_head_count": Part(Kind.IDENTITY, sp.Eq(count_q, k * (m - k), evaluate=False)),
        "together_gauge": Part(Kind.RATE, sp.Eq(multiplier, sp.Integer(1), evaluate=False)),
        "together_gauge_count": Part(Kind.IDENTITY, sp.Eq(count_q, k**2, evaluate=False)),
        "in_turn_joint": Part(
            Kind.RATE, sp.Eq(multiplier, (1 - eta) * (1 - eta_F), evaluate=False)
        ),
        "in_turn_joint_count": Part(Kind.IDENTITY, sp.Eq(count_q, k**2, evaluate=False)),
        "in_turn_representation": Part(Kind.RATE, sp.Eq(multiplier, 1 - eta, evaluate=False)),
        "in_turn_representation_count": Part(
            Kind.IDENTITY, sp.Eq(count_q, k * (d - k), evaluate=False)
        ),
        "in_turn_head": Part(Kind.RATE, sp.Eq(multiplier, 1 - eta_F, evaluate=False)),
        "in_turn_head_count": Part(Kind.IDENTITY, sp.Eq(count_q, k * (m - k), evaluate=False)),
        "in_turn_gauge": Part(Kind.RATE, sp.Eq(multiplier, sp.Integer(1), evaluate=False)),
        "in_turn_gauge_count": Part(Kind.IDENTITY, sp.Eq(count_q, k**2, evaluate=False)),
    },
    assumptions=(
        *RANKS,
        NOISELESS,
        NO_DAMPING,
        STEP_POSITIVE,
        Assumption("the joint update is stable", eta + eta_F < 2),
        Assumption("a positive head step size", eta_F > 0),
    ),
    example={**EXAMPLE, "noise_std": 0.0, "head_step_size": 0.1},
    beyond_paper=True,
)


def kfac_spectrum(
    *,
    step_size: float,
    head_step_size: float,
    rank: int,
    input_dim: int,
    output_dim: int,
    in_turn: bool = False,
) -> Array:
    """Return the local multipliers of joint KFAC, ascending, (k(m+d),).

    in_turn: the second layer's step sees the new first one; the spectrum is that of either order.
    Raises: ValueError on a bad argument.
    Source: derived (LR-19).
    """
    return multiset(
        modes(
            LR_19,
            "in_turn" if truth("in_turn", in_turn) else "together",
            sizes_of(rank, input_dim, output_dim),
            step_size=number("step_size", step_size, low=0.0),
            head_step_size=number("head_step_size", head_step_size, low=0.0),
        )
    )
