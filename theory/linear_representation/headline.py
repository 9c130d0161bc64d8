"""LR-10: contraction with noise, every constant proved."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, parts_of
from theory.core.source import Source
from theory.linear_representation.assumptions import (
    ATTRIBUTED,
    EXAMPLE,
    GAUSSIAN,
    NO_DAMPING,
    RANKS,
    STEP_POSITIVE,
    STEP_UP_TO_ONE,
)
from theory.linear_representation.notation import (
    d,
    delta,
    eta,
    k,
    kappa,
    kappa_hat,
    lmin_cov,
    lmin_hat,
    m,
    n,
    s_min,
    sigma,
    tau,
    theta,
    theta_next,
)
from theory.linear_representation.start import PAPER_FACTOR

TAIL = sp.sqrt(2 * sp.log(3 / delta))
RELATIVE_NOISE = sigma / (s_min * sp.sqrt(n * lmin_hat))
BATCH_NOISE = sp.Rational(6, 5) * eta * RELATIVE_NOISE * (sp.sqrt(k) + sp.sqrt(d - k) + tau)
POPULATION_NOISE = (
    sp.Rational(267, 100) * eta * sigma / s_min * sp.sqrt((d + sp.log(3 / delta)) / (n * lmin_cov))
)
BATCH_START = 1 / (sp.Rational(21, 2) * sp.sqrt(kappa_hat))
POPULATION_START = 1 / (13 * sp.sqrt(kappa))
HEAD_NOISE = RELATIVE_NOISE * (sp.sqrt(m) + sp.sqrt(k) + tau)
HEAD_NOISE_MAX = sp.Rational(1, 46)
ROWS_MIN = 300 * (d + sp.log(1 / delta))
SHRINK = sp.Rational(81, 100)

LR_10 = Claim(
    id="LR-10",
    title="One noisy KFAC step, with proved constants",
    says=(
        "Take a start with tan θ ≤ 1/(10.5 √κ_n), κ_n the condition number of the batch, and "
        "label noise small against the head. Then one KFAC step with the least-squares head of "
        "the same batch shrinks the tangent by 1 − 0.9η, up to a noise term with constant 1.2, "
        "with probability at least 1 − δ given the inputs. For Gaussian inputs and n ≥ 300(d + "
        "log 1/δ) the start tan θ ≤ 1/(13√κ) and the constant 2.67 are enough, with probability "
        "at least 1 − 3δ (for the noise and for both ends of the batch spectrum)."
    ),
    source=ATTRIBUTED + Source.derived("every constant"),
    parts=parts_of(
        Kind.BOUND_WHP,
        sp.Tuple(
            sp.Le(sp.tan(theta_next), PAPER_FACTOR * sp.tan(theta) + BATCH_NOISE),
            sp.Le(sp.tan(theta_next), PAPER_FACTOR * sp.tan(theta) + POPULATION_NOISE),
        ),
        ("batch", "gaussian"),
    ),
    definitions={tau: TAIL},
    assumptions=(
        *RANKS,
        NO_DAMPING,
        STEP_POSITIVE,
        STEP_UP_TO_ONE,
        GAUSSIAN,
        Assumption("a probability of failure is allowed", delta > 0),
        Assumption("enough rows", n >= ROWS_MIN),
        Assumption("the start is near enough", sp.tan(theta) <= POPULATION_START),
        Assumption(
            "the head stands out of the noise",
            HEAD_NOISE.subs(lmin_hat, SHRINK * lmin_cov).subs(tau, TAIL) <= HEAD_NOISE_MAX,
        ),
    ),
    example={
        **EXAMPLE,
        "batch_size": 20000,
        "noise_std": 0.1,
        "angle": 0.03,
        "failure_probability": 0.01,
        "head_min_singular": 1.0,
        "cov_min": 1.0,
    },
    beyond_paper=True,
)
