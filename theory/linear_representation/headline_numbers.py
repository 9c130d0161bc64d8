"""Numbers of LR-10: contraction, noise term, admissibility."""

import math

from theory.core.formula import numeric
from theory.core.guards import count, number
from theory.linear_representation import headline

_BOUNDS = {name: numeric(r.args[1]) for name, r in headline.LR_10.relations().items()}
_TAIL = numeric(headline.TAIL)
_BATCH_START = numeric(headline.BATCH_START)
_HEAD_NOISE = numeric(headline.HEAD_NOISE)


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
        "tail_width": float(_TAIL(failure_probability=fail)),
    }
    if cov_min is None:
        facts["cov_batch_min"] = number("cov_batch_min", cov_batch_min, low=0.0, open_low=True)
        return float(_BOUNDS["batch"](**facts))
    facts["cov_min"] = number("cov_min", cov_min, low=0.0, open_low=True)
    return float(_BOUNDS["gaussian"](**facts))


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
        tail_width=_TAIL(failure_probability=fail),
    )
    start = _BATCH_START(
        condition_number_batch=number("condition_number_batch", condition_number_batch, low=1.0)
    )
    near = number("tan_theta", tan_theta, low=0.0) <= float(start)
    return bool(near and float(noise) <= float(headline.HEAD_NOISE_MAX))


def _probability(value: float) -> float:
    return number("failure_probability", value, low=0.0, high=1.0, open_low=True, open_high=True)
