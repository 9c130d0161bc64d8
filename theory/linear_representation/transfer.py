"""LR-26: what an imperfect representation costs a new task."""

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from theory.core.claim import Assumption, Claim
from theory.core.guards import Array, count, matrix, number, positive_definite
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import DERIVED, EXAMPLE, GAUSSIAN, RANKS
from theory.linear_representation.notation import (
    D_t,
    F_best,
    F_t,
    G,
    G_star,
    M_t,
    Sigma,
    dist,
    excess,
    excess_0,
    head_2,
    k,
    lmax_cov,
    m,
    n,
    sigma,
)

MISSED = (
    G_star * Sigma * G_star.T
    - G_star * Sigma * G.T * (G * Sigma * G.T).inv() * G * Sigma * G_star.T
)

LR_26 = Claim(
    id="LR-26",
    title="Transfer to a new head",
    says=(
        "The best new head on a frozen representation leaves an excess risk of ½ tr(F_t D_t "
        "F_tᵀ), where D_t is the part of the true representation that the frozen one misses. It "
        "is at most half the largest eigenvalue of Σ times the squared norm of F_t times the "
        "squared subspace distance. Fitted on n Gaussian rows, the mean excess is e_0(n − 1)/(n − "
        "k − 1) + ½mσ²k/(n − k − 1): the misfit grows as the noise does."
    ),
    source=DERIVED,
    parts={
        "population": Part(
            Kind.IDENTITY,
            sp.Eq(sp.Trace(M_t * Sigma * M_t.T) / 2, sp.Trace(F_t * D_t * F_t.T) / 2,
                  evaluate=False),
        ),
        "bound": Part(Kind.BOUND, sp.Le(excess_0, lmax_cov * head_2 * dist**2 / 2)),
        "finite": Part(
            Kind.LAW,
            sp.Eq(
                excess,
                excess_0 * (n - 1) / (n - k - 1) + (m * sigma**2 / 2) * k / (n - k - 1),
                evaluate=False,
            ),
        ),
    },
    definitions={
        M_t: F_t * G_star - F_best * G,
        F_best: F_t * G_star * Sigma * G.T * (G * Sigma * G.T).inv(),
        D_t: MISSED,
    },
    assumptions=(*RANKS, GAUSSIAN, Assumption("at least k + 2 rows", n >= k + 2)),
    example=EXAMPLE,
    beyond_paper=True,
)  # fmt: skip


def transfer_excess(
    head_transfer: ArrayLike,
    *,
    representation: ArrayLike,
    representation_star: ArrayLike,
    cov_x: ArrayLike,
    n: int | None = None,
    noise_std: float = 0.0,
) -> float:
    """Return the excess risk of a new head on a frozen representation, [y]^2.

    Shapes: head_transfer (m, k); representation and representation_star (k, d); cov_x (d, d) of
    the transfer task. n None: the best head; else the mean over heads fitted by least squares on
    n Gaussian rows with label noise noise_std.
    Raises: ValueError on a wrong shape, a covariance that is not positive definite, rows of the
    representation that are dependent, or n < k + 2.
    Source: derived (LR-26).
    """
    head = matrix("head_transfer", head_transfer, (None, None))
    m, k = head.shape
    frozen = matrix("representation", representation, (k, None))
    d = frozen.shape[1]
    if np.linalg.matrix_rank(frozen) < k:
        raise ValueError(f"representation has rank below {k}, needs independent rows")
    values: dict[str, Array | float] = {
        "F_t": head,
        "G": frozen,
        "G^*": matrix("representation_star", representation_star, (k, d)),
        "Sigma": positive_definite("cov_x", cov_x, d),
    }
    best = LR_26["population"].matrix(values, sizes={"m": m, "k": k, "d": d})
    population = max(0.0, float(best))
    if n is None:
        return population
    return float(
        LR_26["finite"].number(
            transfer_excess_population=population,
            noise_std=number("noise_std", noise_std, low=0.0),
            batch_size=count("n", n, low=k + 2),
            output_dim=m,
            rank=k,
        )
    )


def transfer_bound(head_transfer: ArrayLike, *, cov_max: float, distance: float) -> float:
    """Return 1/2 lmax(Sigma) |F_t|_F^2 dist^2, an upper bound on the excess of the best head.

    Raises: ValueError if cov_max <= 0 or distance is outside [0, 1].
    Source: LR-26.
    """
    head = matrix("head_transfer", head_transfer, (None, None))
    return float(
        LR_26["bound"].number(
            cov_max=number("cov_max", cov_max, low=0.0, open_low=True),
            head_norm2=float((head**2).sum()),
            distance=number("distance", distance, low=0.0, high=1.0),
        )
    )
