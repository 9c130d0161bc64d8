"""LR-48: batch-norm whose statistics belong to another task."""

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from theory.core.claim import Assumption, Claim
from theory.core.guards import matrix, positive_definite
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.assumptions import EXAMPLE, NOISELESS, RANKS
from theory.linear_representation.notation import (
    F,
    F_best,
    F_t,
    G,
    G_star,
    M_t,
    R_gauge,
    Sigma,
    d,
    k,
    n,
)
from theory.linear_representation.variants.models.notation import (
    F_bn,
    M_bn,
    c_cov,
    excess_scaled,
    excess_zero,
)

OFF = R_gauge - sp.Identity(k)
ADDED = sp.Trace(F_best * OFF * G * Sigma * G.T * OFF.T * F_best.T) / 2

LR_48 = Claim(
    id="LR-48",
    title="Batch-norm with the statistics of another task",
    says=(
        "On centred data batch-norm in evaluation mode multiplies the hidden units by a fixed "
        "diagonal matrix R. With the head that was trained with those statistics the network is "
        "the one without batch-norm, under every covariance. A head refitted to the normalised "
        "units gives the same predictions as one refitted without batch-norm. A head that is the "
        "best one for some scales and is used with others, whose ratios are on the diagonal of R, "
        "has an excess risk that is larger by exactly ½ tr(F(R − I) GΣGᵀ (R − I)Fᵀ). For instance, "
        "at the true function, inputs of covariance c_Σ Σ normalised by their own statistics cost "
        "(√c_Σ − 1)² times the risk that predicting 0 has under Σ. Without batch-norm they cost 0."
    ),
    source=Source.derived("every formula")
    + Source.seen(
        "Zhang et al. 2025, arXiv 2502.01763: the qualitative result that batch-norm can hurt "
        "generalisation"
    ),
    parts={
        "mismatch": Part(
            Kind.IDENTITY,
            sp.Eq(
                sp.Trace(M_bn * Sigma * M_bn.T) / 2 - sp.Trace(M_t * Sigma * M_t.T) / 2,
                ADDED,
                evaluate=False,
            ),
        ),
        "refitted": Part(
            Kind.IDENTITY, sp.Eq(F_bn * R_gauge * G, F_best * G, evaluate=False)
        ),
        "kept": Part(
            Kind.IDENTITY, sp.Eq(F * R_gauge.inv() * (R_gauge * G), F * G, evaluate=False)
        ),
        "rescaled": Part(
            Kind.IDENTITY,
            sp.Eq(excess_scaled, excess_zero * (sp.sqrt(c_cov) - 1) ** 2, evaluate=False),
        ),
    },
    definitions={
        M_t: F_t * G_star - F_best * G,
        M_bn: F_t * G_star - F_best * R_gauge * G,
        F_best: F_t * G_star * Sigma * G.T * (G * Sigma * G.T).inv(),
        F_bn: F_t * G_star * Sigma * (R_gauge * G).T
        * (R_gauge * G * Sigma * (R_gauge * G).T).inv(),
    },
    assumptions=(*RANKS, NOISELESS, Assumption("more rows than inputs", n > d)),
    example={**EXAMPLE, "noise_std": 0.0, "cov_scale": 4.0},
)  # fmt: skip


def batch_norm_excess(
    head: ArrayLike,
    *,
    representation: ArrayLike,
    cov_x: ArrayLike,
    cov_x_statistics: ArrayLike,
) -> float:
    """Return what statistics of other inputs add to the excess risk of a head, [y]^2.

    Shapes: head (m, k), the best one behind units of variance 1 under cov_x, folded: the network
    it was fitted in computes head representation x; representation (k, d); cov_x and
    cov_x_statistics (d, d), of the inputs that are predicted and of those whose statistics divide
    the units. At the best head the part of the target that the representation misses adds on top.
    Raises: ValueError on a wrong shape, a zero row, or a covariance not positive definite.
    Source: derived (LR-48).
    """
    F_values = matrix("head", head, (None, None))
    m, k = F_values.shape
    G_values = matrix("representation", representation, (k, None))
    size = G_values.shape[1]
    own = positive_definite("cov_x", cov_x, size)
    other = positive_definite("cov_x_statistics", cov_x_statistics, size)
    if not (np.abs(G_values).max(1) > 0).all():
        raise ValueError(f"representation={G_values}, needs rows that are not zero")
    variance, variance_used = (np.diag(G_values @ S @ G_values.T) for S in (own, other))
    ratio = np.diag(np.sqrt(variance / variance_used))
    values = {"F_best": F_values, "R": ratio, "G": G_values, "Sigma": own}
    return float(LR_48["mismatch"].matrix(values, sizes={"m": m, "k": k, "d": size}))
