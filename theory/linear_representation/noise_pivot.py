"""Numbers of LR-11: the chi-square pivot of the noise term."""

import numpy as np
from numpy.typing import ArrayLike

from theory.core.formula import numeric
from theory.core.guards import matrix, number, positive_definite
from theory.linear_representation.noise import LR_11

_DEGREES = numeric(LR_11.relations()["degrees"].args[1])


def noise_pivot(
    noise_term: ArrayLike, *, row_covariance: ArrayLike, column_covariance: ArrayLike
) -> float:
    """Return tr(R^{-1} Z C^{-1} Z'), chi-square with k (d-k) degrees of freedom.

    noise_term Z (k, d-k): the noise of one step on the complement. row_covariance (k, k):
    sigma^2 (F'F)^{-1}. column_covariance (d-k, d-k): B S^{-1} B'/n.
    Raises: ValueError on a wrong shape or a covariance that is not positive definite.
    Source: LR-11.
    """
    Z = matrix("noise_term", noise_term, (None, None))
    rows = positive_definite("row_covariance", row_covariance, Z.shape[0])
    columns = positive_definite("column_covariance", column_covariance, Z.shape[1])
    return float(np.sum(np.linalg.solve(rows, Z) * np.linalg.solve(columns, Z.T).T))


def noise_pivot_degrees(*, rank: int, input_dim: int) -> int:
    """Return the degrees of freedom k (d-k) of the pivot.

    Raises: ValueError unless 1 <= rank < input_dim.
    Source: LR-11.
    """
    k = number("rank", rank, low=1.0, high=float(input_dim), open_high=True)
    return round(float(_DEGREES(rank=k, input_dim=input_dim)))
