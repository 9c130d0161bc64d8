"""Setting of LR-22 to LR-24: the representation alone, moved by gradients that are mostly noise."""

import sympy as sp

from theory.core.claim import Assumption
from theory.linear_representation.assumptions import (
    EXAMPLE,
    GAUSSIAN,
    NO_DAMPING,
    NOISY,
    RANKS,
    STEP_POSITIVE,
)
from theory.linear_representation.notation import multiplier

FROZEN_HEAD = Assumption("the head is kept at F⋆", fact="trained", allowed=("representation",))
MOSTLY_NOISE = Assumption(
    "the fastest mode contracts by at most a tenth per step, so the gradient is mostly noise",
    multiplier >= sp.Rational(9, 10),
)
ADDITIVE = Assumption(
    "the gradient is that of the population plus Gaussian noise",
    fact="gradient_noise",
    allowed=("additive Gaussian",),
)
NOISE_DOMINATED = (
    *RANKS,
    NO_DAMPING,
    GAUSSIAN,
    NOISY,
    STEP_POSITIVE,
    FROZEN_HEAD,
    ADDITIVE,
    MOSTLY_NOISE,
)
NOISE_DOMINATED_EXAMPLE = {
    **EXAMPLE,
    "step_size": 0.001,
    "trained": "representation",
    "multiplier": 0.95,
    "gradient_noise": "additive Gaussian",
}
