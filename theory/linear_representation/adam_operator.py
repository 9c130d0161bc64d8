"""The mean linear operator of noise-dominated Adam (LR-22), for any H and Sigma."""

import math

import numpy as np
from numpy.typing import ArrayLike

from theory.core.guards import Array, count, number, positive_definite


def adam_operator(*, head_gram: ArrayLike, cov_x: ArrayLike, noise_std: float, n: int) -> Array:
    """Return sqrt(n)/sigma diag(GN)^{-1/2} GN with GN = cov_x (x) head_gram, (k d, k d).

    It acts on the column-stacked deviation of the representation, head kept at F*: the mean step
    is minus step size times the operator. Shapes: head_gram (k, k), cov_x (d, d).
    Raises: ValueError on a matrix that is not positive definite, noise_std <= 0 or n < 1.
    Source: derived (LR-22): the gradient noise has covariance sigma^2/n GN, Adam divides by its
    standard deviation entry by entry.
    """
    H = positive_definite("head_gram", head_gram)
    newton = np.kron(positive_definite("cov_x", cov_x), H)
    sigma = number("noise_std", noise_std, low=0.0, open_low=True)
    scale = math.sqrt(count("n", n)) / sigma
    return scale * newton / np.sqrt(np.diagonal(newton))[:, None]
