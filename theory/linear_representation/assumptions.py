"""Assumptions shared by the statements, and one scenario that meets them."""

import sympy as sp

from theory.core.claim import Assumption
from theory.core.source import Source
from theory.linear_representation.notation import d, eta, k, kappa, lam, m, n, sigma

EQUATION_5 = Source.seen("Zhang et al. 2025, arXiv 2502.01763, eq. (5) and its factors")
ATTRIBUTED = Source.attributed(
    "Zhang et al. 2025, arXiv 2502.01763, linear representation learning"
)
DERIVED = Source.derived()

RANKS = (
    Assumption("the head can have full column rank", m >= k),
    Assumption("the true subspace is a proper one", d > k),
)
FULL_RANK_BATCH = Assumption("the sample covariance can be inverted", n >= d)
NO_DAMPING = Assumption("no damping", sp.Eq(lam, 0))
NOISELESS = Assumption("no label noise", sp.Eq(sigma, 0))
NOISY = Assumption("label noise is present", sigma > 0)
ISOTROPIC = Assumption("the input covariance is a multiple of the identity", sp.Eq(kappa, 1))
STEP_UP_TO_ONE = Assumption("step size at most 1", eta <= 1)
STEP_BELOW_ONE = Assumption("step size below 1", eta < 1)
STEP_POSITIVE = Assumption("a positive step size", eta > 0)
STEP_BELOW_TWO = Assumption("step size below 2: the local recursion is stable", eta < 2)
GAUSSIAN = Assumption("Gaussian input", fact="input_law", allowed=("gaussian",))

EXAMPLE = {
    "input_dim": 10,
    "output_dim": 4,
    "rank": 2,
    "batch_size": 200,
    "step_size": 0.1,
    "damping": 0.0,
    "noise_std": 0.1,
    "condition_number": 1.0,
    "input_law": "gaussian",
}
NOISELESS_EXAMPLE = {**EXAMPLE, "noise_std": 0.0}
