"""KFAC on infinite data, predicted from its start: the global law of the angles (LR-28)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from theory.linear_representation import global_tangent

Array = NDArray[np.float64]


def predicted_rows(root: Array, G_star: Array, G: Array, *, step_size: float) -> Iterator[Array]:
    """Yield rows (k, d) that span KFAC's row space at times 0, 1, 2, ...

    In the inner product of Sigma the singular vectors of T stay, and each tangent follows a scalar
    law. Shapes: root (d, d) symmetric, of Sigma; G_star (k, d) with orthonormal rows; G (k, d).
    """
    k = len(G_star)
    frame = np.linalg.qr((G_star @ root).T, mode="complete")[0].T
    aligned, across = (G @ root @ part.T for part in (frame[:k], frame[k:]))
    U, tangents, Vh = np.linalg.svd(np.linalg.solve(aligned, across), full_matrices=False)
    back = np.linalg.inv(root)
    while True:
        yield (frame[:k] + (U * tangents) @ Vh @ frame[k:]) @ back
        tangents = np.array([global_tangent(float(t), step_size=step_size) for t in tangents])


def distance(rows: Array, G_star: Array) -> float:
    """Return the subspace distance of rows (k, d) to orthonormal rows G_star."""
    basis = np.linalg.qr(rows.T)[0].T
    return float(np.linalg.norm(basis - basis @ G_star.T @ G_star, ord=2))


def squared_tangents(rows: Array, G_star: Array, complement: Array) -> float:
    """Return |T|_F^2 of rows (k, d); complement (d-k, d) orthonormal."""
    return float((np.linalg.solve(rows @ G_star.T, rows @ complement.T) ** 2).sum())
