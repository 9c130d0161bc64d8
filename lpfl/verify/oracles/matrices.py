"""Functions of matrices in numpy, by other ways than the optimizers take."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NUDGE = 2.0**-26  # relative size of the changes that measure a condition number
NULL = 1e-10  # eigenvalues below this share of the largest are those of a null space
ROUNDED = 1e-14  # eigenvalues of a few gradients' squares below this share are rounding


def transposed(M: Array) -> Array:
    """Return the transpose over the last two axes."""
    return np.swapaxes(M, -1, -2)


def polar(M: Array) -> Array:
    """Return M with every singular value set to one; those of a null space stay zero."""
    U, s, Vh = np.linalg.svd(M, full_matrices=False)
    return (U * (s > NULL * s[..., :1])[..., None, :]) @ Vh


def shaken(S: Array, size: float) -> Array:
    """Return a symmetric matrix with every entry moved by ``size`` of itself up or down.

    It says what rounding in a second moment does to a run, which is more than the same rounding in
    the rows does. Each size has a pattern of its own.
    """
    if size == 0.0:
        return S
    at = np.arange(1.0, 1.0 + S.shape[-1])
    waves = np.cos(np.log2(size) * (np.add.outer(at, at) + 0.7 * np.multiply.outer(at, at)))
    return S * (1.0 + size * np.sign(waves))


def power(S: Array, exponent: float, added: float = 0.0) -> Array:
    """Return ``(S + added I)^exponent``; undamped, on the range of S only.

    Two gradients at an angle of 1e-5 give S an eigenvalue of a share of 1e-10, which is no zero.
    """
    values, vectors = np.linalg.eigh(S)
    if added > 0.0:
        raised = (values + added) ** exponent
    else:
        kept = values > ROUNDED * values[..., -1:]
        raised = np.where(kept, np.where(kept, values, 1.0) ** exponent, 0.0)
    return (vectors * raised[..., None, :]) @ transposed(vectors)


def newton_schulz(M: Array, steps: int, singular_map: object) -> Array:
    """Return the odd map of singular values applied ``steps`` times to M over its norm."""
    U, s, Vh = np.linalg.svd(M, full_matrices=False)
    s = s / np.linalg.norm(s, axis=-1, keepdims=True)
    for _ in range(steps):
        s = singular_map(s)  # type: ignore[operator]
    return (U * s[..., None, :]) @ Vh


def gram_schmidt(M: Array) -> Array:
    """Return rows of the same span, orthonormal, oriented like those of M."""
    return np.linalg.solve(np.linalg.cholesky(M @ transposed(M)), M)
