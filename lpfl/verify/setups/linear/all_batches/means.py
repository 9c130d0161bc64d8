"""Means over all Gaussian batches, exactly: runs on weighted batches in place of drawn ones.

A Wishart matrix is L L' with independent entries of L (Bartlett 1933): squares on the diagonal
have chi-square laws, what is below is normal. Gauss nodes of these laws give the mean of every
polynomial in the matrix and in its inverse up to a degree, so a run on them has no sampling error,
and a coefficient that is off by one row shows.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, roots_genlaguerre, roots_hermitenorm

Array = NDArray[np.float64]


class Nodes(NamedTuple):
    """Matrices (N, p, p) with weights (N,): sums of weight times polynomial are means."""

    matrices: Array
    weights: Array


def wishart(freedom: int, dim: int, *, degree: int = 0, inverse: int = 0) -> Nodes:
    """Return nodes for polynomials of ``degree`` in a Wishart matrix, ``inverse`` in its inverse.

    Scale matrix I. The entries of L and of its inverse are polynomials in what is below the
    diagonal, of degree one in each, over powers of the diagonal.
    Raises ValueError for dim above 3 (too many nodes), or if the inverse has no such moments.
    """
    if dim not in (1, 2, 3):
        raise ValueError(f"dim={dim}, needs 1, 2 or 3")
    if not freedom - dim + 1 > 2 * inverse:
        raise ValueError(f"freedom={freedom}, needs > {2 * inverse + dim - 1} for the inverse")
    below, normal = roots_hermitenorm(degree + inverse + 1)
    laws = [_chi_square(freedom - i, degree, inverse) for i in range(dim)]
    laws += [(below, normal / normal.sum())] * (dim * (dim - 1) // 2)
    values = [M.ravel() for M in np.meshgrid(*[nodes for nodes, _ in laws], indexing="ij")]
    shares = np.meshgrid(*[weights for _, weights in laws], indexing="ij")
    L = np.zeros((values[0].size, dim, dim))
    for i in range(dim):
        L[:, i, i] = np.sqrt(values[i])
    for value, row, column in zip(values[dim:], *np.tril_indices(dim, -1), strict=True):
        L[:, row, column] = value
    return Nodes(L @ L.transpose(0, 2, 1), np.prod(shares, axis=0).ravel())


def _chi_square(freedom: int, degree: int, inverse: int) -> tuple[Array, Array]:
    """Return nodes for powers from -inverse to degree of a chi-square variable."""
    shape = freedom / 2.0
    nodes, weights = roots_genlaguerre((degree + inverse) // 2 + 1, shape - 1.0 - inverse)
    share = np.exp(gammaln(shape - inverse) - gammaln(shape))
    return 2.0 * nodes, weights / weights.sum() * share * nodes**inverse


def together(parts: Sequence[Nodes]) -> tuple[list[Array], Array]:
    """Return the matrices of independent laws, one array each, at all pairs, triples, ..."""
    places = np.meshgrid(*[np.arange(len(part.weights)) for part in parts], indexing="ij")
    chosen = [place.ravel() for place in places]
    weights = np.ones(chosen[0].size)
    for part, place in zip(parts, chosen, strict=True):
        weights = weights * part.weights[place]
    return [part.matrices[at] for part, at in zip(parts, chosen, strict=True)], weights
