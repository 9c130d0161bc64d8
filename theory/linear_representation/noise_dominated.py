"""LR-21 to LR-24: methods whose preconditioner is made of noisy gradients."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, parts_of
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    NO_DAMPING,
    NOISY,
    RANKS,
    STEP_POSITIVE,
)
from theory.linear_representation.floor_kfac import HEAD, SCHUR
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
    power_q,
    sigma,
    theta,
    theta_next,
    tr_cov,
    tr_H,
)

PARAMETERS = k * (m + d - k)
EMPIRICAL_MULTIPLIER = 1 - eta / sigma**2
EMPIRICAL_FLOOR = (
    alpha
    / (2 - alpha)
    * sigma**2
    / (n - count_q - 1)
    * sp.Trace(sp.Inverse(H))
    * sp.Trace(sp.Inverse(Sigma_s))
)
ADAM_MULTIPLIER = 1 - eta * sp.sqrt(n * lam_i * mu_j) / sigma
ADAM_FLOOR = eta * sigma / (2 * sp.sqrt(n * lam_i * mu_j))
SHAMPOO_MULTIPLIER = 1 - eta * (sigma**2 / n) ** (-2 * power_q) * (tr_cov * tr_H) ** (-power_q) * (
    lam_i * mu_j
) ** (1 - power_q)
MUON_MULTIPLIER = 1 - eta * sp.sqrt(n) / (sigma * sp.sqrt(tr_cov)) * sp.sqrt(lam_i) * mu_j
MUON_FLOOR = eta * sigma / (2 * sp.sqrt(n * d * lam_i))

_NOISY = (*RANKS, NO_DAMPING, GAUSSIAN, NOISY, STEP_POSITIVE)
_SMALL = {**EXAMPLE, "step_size": 0.001}
_NOISE_DOMINATED = (
    " The result is for the representation alone (true head, additive Gaussian gradient noise)."
)

LR_21 = Claim(
    id="LR-21",
    title="Natural gradient with the empirical Fisher matrix",
    says=(
        "The empirical Fisher matrix carries the noise variance, so the effective step is η/σ²: "
        "the mean contraction is 1 − η/σ², and with N_q = k(m + d − k) parameters the noise floor "
        "has 1/(n − N_q − 1) in place of 1/(n − d − 1). It needs η below about 2σ² and limits "
        "itself above. This, not the full Fisher matrix, explains why the paper's natural "
        "gradient needs a learning rate of 10⁻⁴ against 10⁻² elsewhere."
    ),
    source=DERIVED,
    parts=parts_of(
        Kind.LIMIT,
        sp.Tuple(
            sp.Eq(multiplier, EMPIRICAL_MULTIPLIER, evaluate=False),
            sp.Eq(floor, EMPIRICAL_FLOOR, evaluate=False),
        ),
        ("contraction", "floor"),
    ),
    definitions={alpha: eta / sigma**2, count_q: PARAMETERS, **HEAD, **SCHUR},
    assumptions=(
        *_NOISY,
        Assumption("the step is stable", eta < 2 * sigma**2),
        Assumption("more rows than parameters + 1", n > PARAMETERS + 1),
    ),
    example=_SMALL,
    beyond_paper=True,
)

LR_22 = Claim(
    id="LR-22",
    title="Adam removes only the diagonal",
    says=(
        "Dominated by noise, Adam's mean step is (√n/σ) diag(Γ)^(−1/2) Γ, Γ the Gauss-Newton "
        "matrix. For diagonal H and Σ each entry sees 1 − η√(nλ_iμ_j)/σ, and its floor is "
        "ησ/(2√(nλ_iμ_j)): of order ησ/√n against σ²/n of KFAC." + _NOISE_DOMINATED
    ),
    source=DERIVED,
    parts=parts_of(
        Kind.LIMIT,
        sp.Tuple(
            sp.Eq(multiplier, ADAM_MULTIPLIER, evaluate=False),
            sp.Eq(floor_ij, ADAM_FLOOR, evaluate=False),
        ),
        ("rate", "floor"),
    ),
    assumptions=_NOISY,
    example=_SMALL,
    beyond_paper=True,
)

LR_23 = Claim(
    id="LR-23",
    title="Shampoo takes a power off the condition number",
    says=(
        "With averaged statistics and exponent −r per side, the rate along eigenvectors is "
        "proportional to (λ_iμ_j)^(1 − r): the condition number enters with power 3/4 for r = 1/4 "
        "and with power 1/2 for r = 1/2. Without noise and memory, r = 1/4 is the polar factor."
        + _NOISE_DOMINATED
    ),
    source=DERIVED,
    parts=parts_of(Kind.RATE, sp.Eq(multiplier, SHAMPOO_MULTIPLIER, evaluate=False)),
    assumptions=_NOISY,
    example=_SMALL,
    beyond_paper=True,
)

LR_24 = Claim(
    id="LR-24",
    title="Muon: constant progress without noise, half a preconditioner with it",
    says=(
        "The polar step, noiseless and aligned, lowers every tangent by exactly η per step, "
        "whatever the condition numbers (then it rattles at η). Dominated by noise and with k ≪ d "
        "the rate is √(nλ_i)μ_j/(σ√tr Σ); for Σ = I an entry settles at variance ησ/(2√(ndλ_i))."
        + _NOISE_DOMINATED
    ),
    source=DERIVED,
    parts=parts_of(
        Kind.RATE,
        sp.Tuple(
            sp.Eq(sp.tan(theta_next), sp.tan(theta) - eta, evaluate=False),
            sp.Eq(multiplier, MUON_MULTIPLIER, evaluate=False),
            sp.Eq(floor_ij, MUON_FLOOR, evaluate=False),
        ),
        ("noiseless", "noise_dominated", "floor"),
    ),
    assumptions=(
        *RANKS,
        NO_DAMPING,
        STEP_POSITIVE,
        Assumption("the angle is larger than one step", sp.tan(theta) >= eta),
    ),
    example={**_SMALL, "angle": 0.3},
    beyond_paper=True,
)
