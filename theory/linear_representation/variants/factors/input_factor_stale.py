"""LR-31: KFAC with factors that are renewed every K_f steps."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    NO_DAMPING,
    NOISELESS,
    RANKS,
    STEP_POSITIVE,
)
from theory.linear_representation.notation import d, eta, eta_max, k, multiplier, n
from theory.linear_representation.variants.factors.notation import (
    K_f,
    alpha_tail,
    q_mean,
    w_eig,
)

_FREE = n - k
_ONE = _FREE / (n - d - 1)  # mean of the effective step over η with the factor of another batch
_TWO = _FREE**2 * (_FREE - 1) / ((n - d) * (n - d - 1) * (n - d - 3))

LR_31 = Claim(
    id="LR-31",
    title="KFAC with an input factor renewed every K_f steps",
    says=(
        "The factor of one batch serves K_f steps, the first of them on that batch. The first step "
        "multiplies T by exactly 1 − η. In each of the others the mean over the batch, given the "
        "factor, multiplies an eigenvector by 1 − η(n − k)/n · ω_f, with ω_f an eigenvalue of "
        "Σ_s times the complement block of the inverse factor. A factor that is never renewed is "
        "unstable in the mean beyond 2n/((n − k)ω_f) for the largest of them. The means over a "
        "cycle of two and of three steps follow from moments of an inverse Wishart matrix. These "
        "moments end: after a cycle |T| has a power tail of exponent (n − d + 1)/(2(K_f − 1)), so "
        "that E|T|² is infinite unless K_f < 1 + (n − d + 1)/4, and medians must take the place "
        "of means."
    ),
    source=DERIVED,
    parts={
        "cycle_of_two": Part(
            Kind.RATE, sp.Eq(q_mean, (1 - eta) * (1 - eta * _ONE), evaluate=False)
        ),
        "cycle_of_three": Part(
            Kind.RATE,
            sp.Eq(q_mean, (1 - eta) * (1 - 2 * eta * _ONE + eta**2 * _TWO), evaluate=False),
        ),
        "stale_multiplier": Part(
            Kind.RATE, sp.Eq(multiplier, 1 - eta * _FREE / n * w_eig, evaluate=False)
        ),
        "stale_stability": Part(Kind.RATE, sp.Eq(eta_max, 2 * n / (_FREE * w_eig), evaluate=False)),
        "tail": Part(Kind.RATE, sp.Eq(alpha_tail, (n - d + 1) / (2 * (K_f - 1)), evaluate=False)),
    },
    assumptions=(
        *RANKS,
        NOISELESS,
        NO_DAMPING,
        GAUSSIAN,
        STEP_POSITIVE,
        Assumption("at least as many rows as inputs", n >= d),
        Assumption("a factor that serves more than one step", K_f >= 2),
    ),
    example={**EXAMPLE, "noise_std": 0.0, "factor_every": 2},
    beyond_paper=True,
)
