"""LR-40: how many rows an accuracy of the subspace costs, and schedules that spend no more."""

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
    STEP_BELOW_TWO,
    STEP_POSITIVE,
)
from theory.linear_representation.notation import d, eta, k, n, t_steps
from theory.linear_representation.variants.steps.notation import (
    A_T,
    E_0,
    E_mean,
    E_o,
    E_t,
    N_all,
    c_k,
    eps_T,
    eta_t,
)

A_N = A_T / (n - d - 1)
_q = 1 - eta
_MEMORY = (
    t_steps
    - 2 * _q * (1 - _q**t_steps) / eta
    + _q**2 * (1 - _q ** (2 * t_steps)) / (eta * (2 - eta))
)

LR_40 = Claim(
    id="LR-40",
    title="Rows for an accuracy of the subspace",
    says=(
        "Near the solution, A_T = σ² tr(H⁻¹) tr(Σ_s⁻¹). No unbiased estimate from N rows has "
        "E|T|² below A_T/N (Cramér-Rao, the head unknown). Alternating KFAC adds noise "
        "A_n = A_T/(n − d − 1) per full step. Its best step sizes are 1/(t + 1 + A_n/E_0), those "
        "of a scalar Kalman filter, with error 1/(1/E_0 + t/A_n); any other sequence is worse. So "
        "an accuracy ε costs n/(n − d − 1) A_T(1/ε − 1/E_0) rows, a factor n/(n − d − 1) above the "
        "bound. With step sizes 1/t and an input factor averaged over all rows so far, KFAC at "
        "the true head is recursive least squares: E|T|² = A_T/(N − d − 1) exactly at small "
        "noise. With both layers moved this holds to leading order in d/n. A head refitted on "
        "every batch loses k of its n rows: E|T|² → A_T c_k/(N(2c_n − 1)), c_k = 1 − k/n. The mean "
        "of the iterates of a constant step size has an error near A_n/t."
    ),
    source=DERIVED,
    parts={
        "error": Part(Kind.LIMIT, sp.Eq(E_t, 1 / (1 / E_0 + t_steps / A_N), evaluate=False)),
        "schedule": Part(Kind.RATE, sp.Eq(eta_t, 1 / (t_steps + 1 + A_N / E_0), evaluate=False)),
        "best": Part(Kind.ORDERING, sp.Ge(E_o, 1 / (1 / E_0 + t_steps / A_N), evaluate=False)),
        "samples": Part(Kind.LIMIT, sp.Eq(N_all, n * A_N * (1 / eps_T - 1 / E_0), evaluate=False)),
        "bound": Part(Kind.BOUND, sp.Ge(E_t, A_T / N_all, evaluate=False)),
        "recursive": Part(Kind.LIMIT, sp.Eq(E_t, A_T / (N_all - d - 1), evaluate=False)),
        "refitted": Part(
            Kind.LIMIT, sp.Eq(E_t, A_T * c_k / (N_all * (2 * c_k - 1)), evaluate=False)
        ),
        "averaged": Part(Kind.LIMIT, sp.Eq(E_mean, A_N * _MEMORY / t_steps**2, evaluate=False)),
    },
    definitions={c_k: 1 - k / n},
    assumptions=(
        *RANKS,
        NO_DAMPING,
        GAUSSIAN,
        NOISY,
        STEP_POSITIVE,
        STEP_BELOW_TWO,
        Assumption("more rows than d + 1", n > d + 1),
        Assumption("more rows than twice the rank", n > 2 * k),
    ),
    example=EXAMPLE,
    beyond_paper=True,
)
