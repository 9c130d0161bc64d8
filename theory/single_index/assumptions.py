"""Assumptions shared by the single-index statements, and one scenario that meets them."""

import sympy as sp

from theory.core.claim import Assumption
from theory.core.source import Source
from theory.single_index.notation import (
    aspect,
    aspect_2,
    b1_act,
    c0_link,
    c1_link,
    c_act,
    eff_rank,
    eta,
    lam,
    spike,
    width_ratio,
)

SPIKE_SEEN = Source.seen("Zhang et al. 2025, arXiv 2502.01763: one step adds one spike")
ATTRIBUTED = Source.attributed("Zhang et al. 2025, arXiv 2502.01763, single-index learning")
THEOREM = Source.attributed(
    "Zhang et al. 2025, arXiv 2502.01763, Theorem 3.9, of which only the number was seen"
)
DERIVED = Source.derived()

GAUSSIAN = Assumption("Gaussian input", fact="input_law", allowed=("gaussian",))
ISOTROPIC_TEACHER = Assumption(
    "the teacher has no preferred direction", fact="teacher_law", allowed=("isotropic",)
)
GIVEN_TEACHER = Assumption(
    "the teacher's energy in each eigenspace is given",
    fact="teacher_law",
    allowed=("isotropic", "given"),
)
NORMALISED = Assumption(
    "the network has the factor 1/√N", fact="network_scaling", allowed=("normalised",)
)
UNNORMALISED = Assumption(
    "the network lacks the factor 1/√N", fact="network_scaling", allowed=("plain",)
)
FRESH = Assumption("the ridge fit sees fresh samples", fact="ridge_data", allowed=("fresh",))
FRESH_FEATURES = Assumption(
    "the features are those of fresh samples", fact="feature_data", allowed=("fresh",)
)
SAME_BATCH = Assumption(
    "covariance and gradient come from the same batch", fact="whitening_batch", allowed=("same",)
)
OTHER_BATCH = Assumption(
    "covariance and gradient come from independent batches",
    fact="whitening_batch",
    allowed=("independent",),
)
ASPECT = Assumption("proportional limit: d/n > 0", aspect > 0)
UNDERPARAMETRISED = Assumption("more samples than dimensions", aspect < 1)
WHITENING_BATCH = Assumption("the whitening batch has an aspect > 0", aspect_2 > 0)
DAMPED = Assumption("positive damping", lam > 0)
LINEAR_PART = Assumption("the link has a linear part", sp.Ne(c1_link, 0))
SLOPE = Assumption("the activation has a mean slope", sp.Ne(c_act, 0))
WIDTH_RATIO = Assumption("proportional limit: N/d > 0", width_ratio > 0)
TALL = Assumption("at least as many neurons as dimensions", width_ratio >= 1)
SUPERCRITICAL = Assumption("spike above the threshold", spike > sp.root(width_ratio, 4))
UNCOUPLED = Assumption(
    "centred labels, or an activation without mean curvature: E g · E act″ = 0",
    sp.Eq(c0_link * b1_act, 0),
)
STEP = Assumption("a non-negative step size", eta >= 0)

# Eigenvalues 1/k (0.06 at d = 480) or one eigenvalue d/2 (0.02): the limit is never reached.
NO_LEADER = Assumption(
    "no few eigenvalues carry Σ: its effective rank (tr Σ)²/tr Σ² is at least d/4",
    eff_rank >= sp.Rational(1, 4),
)

BASE = (GAUSSIAN, ISOTROPIC_TEACHER, NORMALISED, ASPECT, NO_LEADER)

EXAMPLE = {
    "input_law": "gaussian",
    "teacher_law": "isotropic",
    "network_scaling": "normalised",
    "ridge_data": "fresh",
    "feature_data": "fresh",
    "whitening_batch": "same",
    "effective_rank_share": 0.8,
    "aspect": 0.3,
    "whitening_aspect": 0.3,
    "width_ratio": 1.5,
    "damping": 0.1,
    "step_size": 1.0,
    "spike_strength": 2.0,
    "c0": 0.0,
    "c1": 0.6,
    "residual_var": 0.1,
    "c_act": 0.6,
    "act_second": 0.0,
}
