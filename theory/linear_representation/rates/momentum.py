"""LR-38: what heavy-ball momentum does to the local rate of KFAC."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import DERIVED, EXAMPLE, NO_DAMPING, NOISELESS, RANKS
from theory.linear_representation.notation import b_m, eta, eta_max, q_1, q_2

LR_38 = Claim(
    id="LR-38",
    title="KFAC with heavy-ball momentum",
    says=(
        "With momentum b_m the tangent matrix has two multipliers, the roots of q² − (1 + b_m − "
        "η)q + b_m = 0. They are below 1 in modulus exactly if η < 2(1 + b_m). "
        "No covariance and no head enters."
    ),
    source=DERIVED,
    parts={
        "sum": Part(Kind.RATE, sp.Eq(q_1 + q_2, 1 + b_m - eta, evaluate=False)),
        "product": Part(Kind.RATE, sp.Eq(q_1 * q_2, b_m, evaluate=False)),
        "boundary": Part(Kind.RATE, sp.Eq(eta_max, 2 * (1 + b_m), evaluate=False)),
    },
    assumptions=(*RANKS, NOISELESS, NO_DAMPING, Assumption("momentum below 1", b_m < 1)),
    example={**EXAMPLE, "noise_std": 0.0, "momentum": 0.5},
)
