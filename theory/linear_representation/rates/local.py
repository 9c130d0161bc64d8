"""LR-15: the local rate of AMGD beside that of KFAC."""

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
from theory.linear_representation.notation import (
    eta,
    k,
    kappa_H,
    kappa_s,
    lam_i,
    mu_j,
    multiplier,
    n,
    q_batch,
    q_best,
    q_kfac,
)

LR_15 = Claim(
    id="LR-15",
    title="Local rate: AMGD pays both condition numbers, KFAC none",
    says=(
        "Near the solution the entry of T along eigenvectors of H and of the Schur complement Σ_s "
        "is multiplied by 1 − ηλ_iμ_j per AMGD step. The best step size of AMGD gives (K − 1)/(K + "
        "1), with K = κ_Hκ_s the product of both condition numbers. Noiseless Gaussian batches of "
        "n rows shorten the mean step by (n − k)/n. KFAC with a least-squares head has the "
        "multiplier 1 − η in every direction."
    ),
    source=DERIVED,
    parts={
        "entry": Part(Kind.RATE, sp.Eq(multiplier, 1 - eta * lam_i * mu_j, evaluate=False)),
        "best": Part(
            Kind.RATE,
            sp.Eq(q_best, (kappa_H * kappa_s - 1) / (kappa_H * kappa_s + 1), evaluate=False),
        ),
        "batch": Part(
            Kind.RATE, sp.Eq(q_batch, 1 - eta * lam_i * mu_j * (n - k) / n, evaluate=False)
        ),
        "kfac": Part(Kind.RATE, sp.Eq(q_kfac, 1 - eta, evaluate=False)),
    },
    assumptions=(
        *RANKS,
        NOISELESS,
        NO_DAMPING,
        STEP_POSITIVE,
        GAUSSIAN,
        Assumption("more rows than the rank", n > k),
    ),
    example={**EXAMPLE, "noise_std": 0.0},
    beyond_paper=True,
)
