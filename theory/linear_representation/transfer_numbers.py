"""Numbers of LR-26: excess risk of a new head on a frozen representation."""

import numpy as np
from numpy.typing import ArrayLike

from theory.core.exact.check import evaluate_float
from theory.core.formula import numeric
from theory.core.guards import Array, count, matrix, number, positive_definite
from theory.linear_representation.notation import D_t
from theory.linear_representation.transfer import BOUND, EXCESS, FINITE, LR_26

_BOUND = numeric(BOUND)
_FINITE = numeric(FINITE)


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
    best = evaluate_float(
        EXCESS,
        values,
        sizes={"m": m, "k": k, "d": d},
        definitions={D_t: LR_26.definitions[D_t]},
    )
    population = max(0.0, float(best))
    if n is None:
        return population
    return float(
        _FINITE(
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
        _BOUND(
            cov_max=number("cov_max", cov_max, low=0.0, open_low=True),
            head_norm2=float((head**2).sum()),
            distance=number("distance", distance, low=0.0, high=1.0),
        )
    )
