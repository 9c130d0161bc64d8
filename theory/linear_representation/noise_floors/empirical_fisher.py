"""LR-21: natural gradient with the empirical Fisher matrix."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    NO_DAMPING,
    NOISY,
    RANKS,
    STEP_POSITIVE,
)
from theory.linear_representation.noise_floors.floor_kfac import HEAD, SCHUR
from theory.linear_representation.notation import (
    H,
    Sigma_s,
    alpha,
    count_q,
    d,
    eta,
    floor,
    floor_ij,
    k,
    lam_i,
    m,
    mu_j,
    multiplier,
    n,
    sigma,
    v_one,
)

PARAMETERS = k * (m + d - k)
LEVEL = alpha / (2 - alpha) * sigma**2 / (n - count_q - 1)

LR_21 = Claim(
    id="LR-21",
    title="Natural gradient with the empirical Fisher matrix",
    says=(
        "The empirical Fisher matrix carries the noise variance, so the effective step is η/σ². "
        "The mean contraction is 1 − η/σ². With N_q = k(m + d − k) parameters the noise floor of "
        "the tangents has 1/(n − N_q − 1) where that of KFAC has 1/(n − d − 1), to leading order "
        "in N_q/n: one parameter more or less is not seen. The noise of one step from the truth "
        "has more at the next order than n − N_q − 1 says, as a row's gradients have heavy tails: "
        "its mean square is α_F² times that of n rows, and 1 + (N_q + 2(d + k) + 3)/n. "
        "In the eigenbases of H and Σ_s an entry of T has variance proportional to "
        "1/(λ_iμ_j). If the paper's Fisher matrix is the empirical one, this explains its "
        "learning rate of 10⁻⁴ for the natural gradient against 10⁻² elsewhere."
    ),
    source=DERIVED,
    parts={
        "contraction": Part(Kind.LIMIT, sp.Eq(multiplier, 1 - eta / sigma**2, evaluate=False)),
        "floor": Part(
            Kind.LIMIT,
            sp.Eq(
                floor,
                LEVEL * sp.Trace(sp.Inverse(H)) * sp.Trace(sp.Inverse(Sigma_s)),
                evaluate=False,
            ),
        ),
        "first_noise": Part(
            Kind.LIMIT, sp.Eq(v_one, 1 + (count_q + 2 * (d + k) + 3) / n, evaluate=False)
        ),
        "entry": Part(Kind.LIMIT, sp.Eq(floor_ij, LEVEL / (lam_i * mu_j), evaluate=False)),
    },
    definitions={alpha: eta / sigma**2, count_q: PARAMETERS, **HEAD, **SCHUR},
    assumptions=(
        *RANKS,
        NO_DAMPING,
        GAUSSIAN,
        NOISY,
        STEP_POSITIVE,
        Assumption("the step is stable", eta < 2 * sigma**2),
        Assumption("more rows than parameters + 1", n > PARAMETERS + 1),
    ),
    example={**EXAMPLE, "step_size": 0.001},
    beyond_paper=True,
)
