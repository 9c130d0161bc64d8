"""LR-36: damping of the factors, of their product, or split among them."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.assumptions import DERIVED, EXAMPLE, NOISELESS, RANKS
from theory.linear_representation.notation import eta, lam, lam_i, mu_j, multiplier, nu_j
from theory.linear_representation.variants.factors.notation_outputs import (
    D_q,
    gamma_K,
    lam_P,
    nu_ij,
    pi_K,
    r_q,
    tau_j,
    w_c,
)

ROOT = sp.sqrt(gamma_K)
# What damping leaves of the unit rate of a mode.
SHARES: dict[str, sp.Expr] = {
    "factor": lam_i / (lam_i + lam_P) * nu_j,
    "kronecker": nu_ij,
    "pi": lam_i / (lam_i + ROOT / pi_K) * nu_j,
}
PI_SPLIT = Source.other_work("Martens & Grosse 2015, section 6.3: the split of the damping")

LR_36 = Claim(
    id="LR-36",
    title="Three kinds of damping",
    says=(
        "With the least-squares head, damping l_P of the output factor and λ of the input factor "
        "multiply the rates by λ_i/(λ_i + l_P) and by ν_j. Damping γ_K of the product of the "
        "factors acts like input damping γ_K/λ_i in head mode i. The pi-split adds √γ_K/π_K to the "
        "one factor and π_K√γ_K to the other. ν_j lies between μ_j/(μ_j + λ(1 + w_c)) and μ_j/(μ_j "
        "+ λ). The upper bound is attained if G⋆x and the rest of x are uncorrelated; then the "
        "split is never faster than the product. The rate lost to small damping is linear in γ_K "
        "for the product, and linear in √γ_K for the split. Doubling y divides the lost rate by 4 "
        "for the product and by 2 for the split, and does not change it for damping of the input "
        "factor alone."
    ),
    source=DERIVED + PI_SPLIT,
    parts={
        **{
            kind: Part(Kind.RATE, sp.Eq(multiplier, 1 - eta * share, evaluate=False))
            for kind, share in SHARES.items()
        },
        "upper": Part(Kind.BOUND, sp.Le(nu_j, mu_j / (mu_j + lam), evaluate=False)),
        "lower": Part(Kind.BOUND, sp.Ge(nu_j, mu_j / (mu_j + lam * (1 + w_c)), evaluate=False)),
        "uncorrelated": Part(Kind.RATE, sp.Eq(nu_j, mu_j / (mu_j + lam), evaluate=False)),
        "kronecker_uncorrelated": Part(
            Kind.RATE,
            sp.Eq(multiplier, 1 - eta * lam_i * mu_j / (lam_i * mu_j + gamma_K), evaluate=False),
        ),
        "split_slower": Part(
            Kind.BOUND,
            sp.Le(r_q, lam_i * mu_j / (sp.sqrt(lam_i * mu_j) + ROOT) ** 2, evaluate=False),
        ),
        "deficit_factor": Part(Kind.RATE, sp.Eq(D_q, lam_P / lam_i + lam * tau_j, evaluate=False)),
        "deficit_kronecker": Part(Kind.RATE, sp.Eq(D_q, gamma_K * tau_j / lam_i, evaluate=False)),
        "deficit_pi": Part(
            Kind.RATE,
            sp.Eq(D_q, ROOT * (1 / (pi_K * lam_i) + pi_K * tau_j), evaluate=False),
        ),
    },
    assumptions=(*RANKS, NOISELESS, Assumption("a positive step size", eta > 0)),
    example={**EXAMPLE, "noise_std": 0.0, "damping": 0.5},
    beyond_paper=True,
)
