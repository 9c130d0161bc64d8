"""LR-10: contraction with noise, every constant proved."""

import math

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.formula import numeric
from theory.core.guards import count, number
from theory.core.part import Kind, Part
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
from theory.linear_representation.contraction.start import STATED_FACTOR
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
        "The head is the least-squares head of the same batch. The start has tan θ ≤ 1/(10.5 "
        "√κ_n), with κ_n the condition number of the batch. The noise of the head is at most 1/46 "
        "of its smallest singular value. Then, given the inputs, one KFAC step shrinks the "
        "tangent by 1 − 0.9η up to a noise term with constant 1.2, with probability at least 1 − "
        "δ. The width τ of the noise leaves probability δ/3 to each of three Gaussian tails. For "
        "Gaussian inputs and n ≥ 300(d + log 1/δ) rows, the start tan θ ≤ 1/(13√κ) and the "
        "constant 2.67 suffice, with probability at least 1 − 3δ: two more events bound the ends "
        "of the batch spectrum."
    ),
    source=ATTRIBUTED + Source.derived("every constant, and the factor 0.9"),
    parts={
        "batch": Part(
            Kind.BOUND_WHP,
            sp.Le(sp.tan(theta_next), STATED_FACTOR * sp.tan(theta) + BATCH_NOISE, evaluate=False),
        ),
        "gaussian": Part(
            Kind.BOUND_WHP,
            sp.Le(
                sp.tan(theta_next),
                STATED_FACTOR * sp.tan(theta) + POPULATION_NOISE,
                evaluate=False,
            ),
        ),
        "tail": Part(Kind.BOUND_WHP, sp.Le(sp.exp(-(tau**2) / 2), delta / 3, evaluate=False)),
    },
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
            "the noise of the head is small against its smallest singular value",
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

_BATCH_START = numeric(BATCH_START)
_HEAD_NOISE = numeric(HEAD_NOISE.subs(tau, TAIL))


def headline_bound(
    tan_theta: float,
    *,
    step_size: float,
    noise_std: float,
    n: int,
    input_dim: int,
    rank: int,
    head_min_singular: float,
    failure_probability: float,
    cov_batch_min: float | None = None,
    cov_min: float | None = None,
) -> float:
    """Return the bound on tan(theta+) of one noisy KFAC step.

    Give cov_batch_min (smallest eigenvalue of X'X/n) for the bound given the inputs, or cov_min
    (that of Sigma) for its Gaussian form. Says nothing about admissibility: headline_admissible.
    Units: noise_std, head_min_singular in [y]; cov_* in [x]^2.
    Raises: ValueError on a bad argument or unless exactly one of the two eigenvalues is given.
    Source: derived (LR-10).
    """
    if (cov_batch_min is None) == (cov_min is None):
        raise ValueError(
            f"cov_batch_min={cov_batch_min} and cov_min={cov_min}, needs exactly one of them"
        )
    size = count("input_dim", input_dim, low=2)
    small = count("rank", rank)
    if small >= size:
        raise ValueError(f"rank={rank}, needs < input_dim={size}")
    fail = _probability(failure_probability)
    facts = {
        "angle": math.atan(number("tan_theta", tan_theta, low=0.0)),
        "step_size": number("step_size", step_size, low=0.0, high=1.0),
        "noise_std": number("noise_std", noise_std, low=0.0),
        "batch_size": count("n", n),
        "input_dim": size,
        "rank": small,
        "head_min_singular": number("head_min_singular", head_min_singular, low=0.0, open_low=True),
        "failure_probability": fail,
    }
    part = "gaussian" if cov_batch_min is None else "batch"
    name = "cov_min" if cov_batch_min is None else "cov_batch_min"
    given = cov_min if cov_batch_min is None else cov_batch_min
    facts[name] = number(name, given, low=0.0, open_low=True)
    bound = LR_10[part]
    return float(bound.number_of(facts))


def headline_admissible(
    tan_theta: float,
    *,
    noise_std: float,
    n: int,
    output_dim: int,
    rank: int,
    head_min_singular: float,
    cov_batch_min: float,
    condition_number_batch: float,
    failure_probability: float,
) -> bool:
    """Say whether the bound given the inputs applies: near start, head above the noise.

    Raises: ValueError on a bad argument.
    Source: derived (LR-10).
    """
    fail = _probability(failure_probability)
    noise = _HEAD_NOISE(
        noise_std=number("noise_std", noise_std, low=0.0),
        batch_size=count("n", n),
        output_dim=count("output_dim", output_dim),
        rank=count("rank", rank),
        head_min_singular=number("head_min_singular", head_min_singular, low=0.0, open_low=True),
        cov_batch_min=number("cov_batch_min", cov_batch_min, low=0.0, open_low=True),
        failure_probability=fail,
    )
    start = _BATCH_START(
        condition_number_batch=number("condition_number_batch", condition_number_batch, low=1.0)
    )
    near = number("tan_theta", tan_theta, low=0.0) <= float(start)
    return bool(near and float(noise) <= float(HEAD_NOISE_MAX))


def _probability(value: float) -> float:
    return number("failure_probability", value, low=0.0, high=1.0, open_low=True, open_high=True)
