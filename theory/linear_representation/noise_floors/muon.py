"""LR-24: Muon's polar step, without noise and dominated by it."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import DERIVED
from theory.linear_representation.noise_floors.noise_dominated import (
    NOISE_DOMINATED,
    NOISE_DOMINATED_EXAMPLE,
)
from theory.linear_representation.notation import (
    d,
    eta,
    floor_ij,
    k,
    lam_i,
    mu_j,
    multiplier,
    n,
    sigma,
    theta,
    theta_next,
    tr_cov,
)

LR_24 = Claim(
    id="LR-24",
    title="Muon: equal progress without noise, half a preconditioner with it",
    says=(
        "On the population gradient, with T pairing eigenvectors of H and Σ_s, the polar step "
        "lowers every tangent by exactly η, whatever the condition numbers. A tangent below η is "
        "reflected to η − tan θ, so it stays below η. Dominated by noise and with k ≪ d, the rate "
        "is √(nλ_i)μ_j/(σ√tr Σ): the head is preconditioned by half, the input not at all. For "
        "Σ = I an entry settles at variance ησ/(2√(ndλ_i))."
    ),
    source=DERIVED,
    parts={
        "noiseless": Part(
            Kind.IDENTITY,
            sp.Eq(sp.tan(theta_next), sp.Abs(sp.tan(theta) - eta), evaluate=False),
            "population gradient",
        ),
        "noise_dominated": Part(
            Kind.LIMIT,
            sp.Eq(
                multiplier,
                1 - eta * sp.sqrt(n) / (sigma * sp.sqrt(tr_cov)) * sp.sqrt(lam_i) * mu_j,
                evaluate=False,
            ),
            "dominated by noise",
        ),
        "floor": Part(
            Kind.LIMIT,
            sp.Eq(floor_ij, eta * sigma / (2 * sp.sqrt(n * d * lam_i)), evaluate=False),
            "floor, dominated by noise, Σ = I",
        ),
    },
    assumptions=(
        *NOISE_DOMINATED,
        Assumption("the rank is at most a sixteenth of the input dimension", d >= 16 * k),
    ),
    example={**NOISE_DOMINATED_EXAMPLE, "input_dim": 48},
    beyond_paper=True,
)
