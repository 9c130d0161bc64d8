"""LR-41: rows for an accuracy, preconditioned by a power of the curvature."""

import math

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike
from scipy.special import lambertw

from theory.core.claim import Assumption, Claim
from theory.core.guards import eigenvalues, number
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
from theory.linear_representation.notation import (
    d,
    eta,
    k,
    lam_i,
    mu_j,
    multiplier,
    n,
    sigma,
    tr_cov,
)
from theory.linear_representation.variants.steps.notation import (
    L_0,
    E_o,
    Lam,
    N_all,
    eps_T,
    theta_p,
    tr_H_power,
    tr_H_root,
    tr_S_power,
)

LARGEST_LOG = 700.0  # beyond it exp(-1 - L) is no longer a number of its own in float64

ROWS = sigma**2 / (4 * eps_T) * Lam
FLOOR = 2 * eps_T * (1 - 1 / Lam)  # twice the floor at the best step size

LR_41 = Claim(
    id="LR-41",
    title="Rows under preconditioning by a power",
    says=(
        "A method divides the gradient by a power θ_p of the curvature λ_iμ_j of each mode: 0 for "
        "SGD, 1/2 for Shampoo with exponent 1/2 per side where noise dominates, 1/2 for Adam there "
        "if H and Σ are diagonal, 1 for KFAC. It "
        "starts in the slowest mode λ_iμ_j, at E_0 far above ε, and takes small constant steps. "
        "The fewest rows that reach E|T|² = ε are N = σ²/(4ε) h_θ s_θ (λ_iμ_j)^(θ − 1) Λ; h_θ and "
        "s_θ are the traces of H^(−θ) and Σ_s^(−θ). The overhead Λ solves Λ − 1 − ln Λ = "
        "ln(E_0/ε). Neither the rows of a batch nor any scale of the step enters. At the best step "
        "size the floor is a share 1 − 1/Λ of ε. N falls as θ_p grows, unless all "
        "curvatures are equal. Muon with k ≪ d is no power: where noise dominates, its rates go "
        "with √λ_i μ_j and its floors with 1/√λ_i alone, so that it needs N = σ²/(4ε) (d − k) "
        "tr(H^(−1/2)) Λ/(√λ_i μ_j) in the mode of the smallest √λ_i μ_j."
    ),
    source=DERIVED,
    parts={
        "samples": Part(
            Kind.LIMIT,
            sp.Eq(
                N_all,
                ROWS * tr_H_power * tr_S_power * (lam_i * mu_j) ** (theta_p - 1),
                evaluate=False,
            ),
        ),
        "overhead": Part(Kind.RATE, sp.Eq(L_0, Lam - 1 - sp.log(Lam), evaluate=False)),
        "best_step": Part(
            Kind.LIMIT,
            sp.Eq(
                eta,
                FLOOR * n / (sigma**2 * tr_H_power * tr_S_power),
                evaluate=False,
            ),
        ),
        "muon_samples": Part(
            Kind.LIMIT,
            sp.Eq(
                N_all,
                ROWS * (d - k) * tr_H_root / (sp.sqrt(lam_i) * mu_j),
                evaluate=False,
            ),
            "Muon, dominated by noise, k ≪ d",
        ),
        "muon_best_step": Part(
            Kind.LIMIT,
            sp.Eq(
                eta,
                FLOOR * sp.sqrt(n * tr_cov) / (sigma * (d - k) * tr_H_root),
                evaluate=False,
            ),
            "Muon, dominated by noise, k ≪ d",
        ),
        "order": Part(Kind.ORDERING, sp.Ge(E_o, eps_T, evaluate=False)),
    },
    assumptions=(
        *RANKS,
        NO_DAMPING,
        GAUSSIAN,
        NOISY,
        STEP_POSITIVE,
        Assumption(
            "the fastest mode contracts by at most a tenth", multiplier >= sp.Rational(9, 10)
        ),
    ),
    example={**EXAMPLE, "multiplier": 0.95},
    beyond_paper=True,
)


def overhead_of(log_start_over_accuracy: float) -> float:
    """Return the overhead of a constant step size for ln(start/accuracy) > 0.

    Raises: ValueError outside (0, 700].
    """
    L = number("ln(start/accuracy)", log_start_over_accuracy, low=0.0, high=LARGEST_LOG,
               open_low=True)  # fmt: skip
    return float(-lambertw(-math.exp(-1.0 - L), -1).real)


def samples_to_reach(
    theta: float | str,
    *,
    accuracy: float,
    start: float,
    noise_std: float,
    head_eigenvalues: ArrayLike,
    schur_eigenvalues: ArrayLike,
) -> float:
    """Return the rows N that small constant steps of the best size need for E|T|_F^2 = accuracy.

    theta: power of the inverse curvature, in [0, 1], or "muon", for a rank far below d where noise
    dominates. start: |T_0|^2, in the slowest mode.
    head_eigenvalues (k,) of F*'F*, [y]^2; schur_eigenvalues (d-k,) of Sigma_s, [x]^2.
    Raises: ValueError for a number outside its range, or a start that is no larger than accuracy.
    Source: derived (LR-41).
    """
    wanted = number("accuracy", accuracy, low=0.0, open_low=True)
    begun = number("start", start, low=wanted, open_low=True)
    lam = eigenvalues("head_eigenvalues", head_eigenvalues)
    mu = eigenvalues("schur_eigenvalues", schur_eigenvalues)
    known = {
        "accuracy": wanted,
        "noise_std": number("noise_std", noise_std, low=0.0, open_low=True),
        "head_eigenvalue": lam.min(),
        "schur_eigenvalue": mu.min(),
        "overhead": overhead_of(math.log(begun / wanted)),
    }
    if isinstance(theta, str):
        if theta != "muon":
            raise ValueError(f"theta={theta!r}, needs a number in [0, 1] or 'muon'")
        sizes = {"rank": lam.size, "input_dim": lam.size + mu.size}
        found = LR_41["muon_samples"].number(**known, **sizes, head_root_trace=np.sum(lam**-0.5))
        return float(found)
    power = number("theta", theta, low=0.0, high=1.0)
    return float(
        LR_41["samples"].number(
            **known,
            preconditioning_power=power,
            head_power_trace=np.sum(lam**-power),
            schur_power_trace=np.sum(mu**-power),
        )
    )
