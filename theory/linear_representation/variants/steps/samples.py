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
from theory.linear_representation.notation import d, eta, k, lam_i, mu_j, n, sigma, t_steps
from theory.linear_representation.variants.steps.notation import (
    A_T,
    E_0,
    E_c,
    E_g,
    E_mean,
    E_o,
    E_t,
    N_all,
    c_k,
    c_t,
    eps_T,
    eta_t,
    h_n,
    r_c,
    t_0,
    theta_p,
)

A_N = A_T / (n - d - 1)
_q = 1 - eta
_MEMORY = (
    t_steps
    - 2 * _q * (1 - _q**t_steps) / eta
    + _q**2 * (1 - _q ** (2 * t_steps)) / (eta * (2 - eta))
)
_FREE = n - k
_LEFT = (t_0 / (t_steps + t_0)) ** (2 * r_c - 1)  # of the start, squared, times (t + t_0)/t_0
_GAIN = c_t**2 * sigma**2 * (lam_i * mu_j) ** (1 - 2 * theta_p) / n

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
        "of the iterates of a constant step size has an error near A_n/t. That of AMGD's iterates "
        "from the truth has per entry along eigenvectors the error of an averaged first-order "
        "recursion of rate h_n; after many more steps than 1/h_n it is A_T/(N c_k), so averaging "
        "takes away what the condition number costs at the floor. With steps c_t/(s + t_0) and the "
        "power θ_p of the inverse curvature the error of an entry falls like 1/t if 2r_c > 1, "
        "at small d/n. Its sum is above the bound A_T/N by a factor that falls with θ_p."
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
        "averaged_gradient": Part(
            Kind.LIMIT,
            sp.Eq(
                E_g,
                sigma**2 / (_FREE * lam_i * mu_j) * _MEMORY.xreplace({eta: h_n}) / t_steps**2,
                evaluate=False,
            ),
        ),
        "falling": Part(
            Kind.LIMIT,
            sp.Eq(E_c, _GAIN / ((2 * r_c - 1) * (t_steps + t_0)) * (1 - _LEFT), evaluate=False),
        ),
    },
    definitions={
        c_k: 1 - k / n,
        h_n: eta * lam_i * mu_j * _FREE / n,
        r_c: c_t * (lam_i * mu_j) ** (1 - theta_p),
    },
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
