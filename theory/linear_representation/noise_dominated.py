"""Setting of LR-22 to LR-24: the representation alone, moved by gradients that are mostly noise."""

from theory.core.claim import Assumption
from theory.linear_representation.assumptions import (
    EXAMPLE,
    GAUSSIAN,
    NO_DAMPING,
    NOISY,
    RANKS,
    STEP_POSITIVE,
)

FROZEN_HEAD = Assumption("the head is kept at F⋆", fact="trained", allowed=("representation",))
MOSTLY_NOISE = Assumption(
    "the mean square of the gradient is at most a tenth of that of its noise",
    fact="gradient",
    allowed=("mostly noise",),
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
    "gradient": "mostly noise",
    "gradient_noise": "additive Gaussian",
}
