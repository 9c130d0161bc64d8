"""LR-23: Shampoo, dominated by noise; and without noise and memory."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import DERIVED
from theory.linear_representation.noise_floors.noise_dominated import (
    NOISE_DOMINATED,
    NOISE_DOMINATED_EXAMPLE,
)
from theory.linear_representation.notation import (
    eta,
    lam_i,
    mu_j,
    multiplier,
    n,
    power_q,
    rate_power,
    sigma,
    singular,
    singular_step,
    tr_cov,
    tr_H,
)

LR_23 = Claim(
    id="LR-23",
    title="Shampoo takes a power off the condition number",
    says=(
        "With averaged statistics and exponent −r per side, the rate along eigenvectors of H and Σ "
        "is proportional to (λ_iμ_j)^(1 − r). The condition number enters with power 3/4 for "
        "r = 1/4 and with power 1/2 for r = 1/2. On a single gradient without noise the step has "
        "the singular values s^(1 − 4r) of the gradient's s: for r = 1/4 it is the polar factor."
    ),
    source=DERIVED,
    parts={
        "multiplier": Part(
            Kind.LIMIT,
            sp.Eq(
                multiplier,
                1
                - eta
                * (sigma**2 / n) ** (-2 * power_q)
                * (tr_cov * tr_H) ** (-power_q)
                * (lam_i * mu_j) ** (1 - power_q),
                evaluate=False,
            ),
        ),
        "exponent": Part(Kind.LIMIT, sp.Eq(rate_power, 1 - power_q, evaluate=False)),
        "memoryless": Part(
            Kind.IDENTITY, sp.Eq(singular_step, singular ** (1 - 4 * power_q), evaluate=False)
        ),
    },
    assumptions=NOISE_DOMINATED,
    example=NOISE_DOMINATED_EXAMPLE,
    beyond_paper=True,
)
