"""Problems and one-step simulations in numpy, in coordinates where G* = [I_k 0]."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def rotation(size: int, rng: np.random.Generator) -> Array:
    """A Haar rotation."""
    q, r = np.linalg.qr(rng.normal(size=(size, size)))
    return q * np.sign(np.diagonal(r))


def covariance(size: int, condition_number: float, rng: np.random.Generator) -> Array:
    """A positive definite matrix, log-spaced eigenvalues in a Haar basis, largest 1."""
    basis = rotation(size, rng)
    values = np.logspace(-np.log10(condition_number), 0.0, size)
    result = (basis * values) @ basis.T
    return (result + result.T) / 2


def head(output_dim: int, eigenvalues: Array, rng: np.random.Generator) -> Array:
    """F* (m, k) with F*'F* of the eigenvalues in a Haar basis."""
    k = eigenvalues.size
    left = rotation(output_dim, rng)[:, :k]
    return (left * np.sqrt(eigenvalues)) @ rotation(k, rng).T


def truth(rank: int, input_dim: int) -> Array:
    return np.eye(input_dim)[:rank]


def transposed(stack: Array) -> Array:
    return np.swapaxes(stack, -1, -2)


def tangent(G: Array) -> Array:
    k = G.shape[-2]
    return np.linalg.solve(G[..., :k], G[..., k:])


def distance(G: Array) -> float:
    """Spectral norm of the orthonormalised rows outside the true subspace."""
    rows = np.linalg.qr(G.T)[0].T
    return float(np.linalg.norm(rows[:, G.shape[0] :], 2))


def orthonormal_rows(G: Array) -> Array:
    return np.linalg.qr(G.T)[0].T


def fitted_head(G: Array, F_star: Array, cov: Array) -> Array:
    """The population least-squares head, by a QR-based solver rather than a formula."""
    root = np.linalg.cholesky(cov)
    target = F_star @ truth(G.shape[0], cov.shape[0]) @ root
    return np.linalg.lstsq((G @ root).T, target.T, rcond=None)[0].T


def gradient(F: Array, G: Array, F_star: Array, cov: Array) -> tuple[Array, Array]:
    """Gradients of the population loss in F and in G."""
    error = (F @ G - F_star @ truth(G.shape[0], cov.shape[0])) @ cov
    return error @ G.T, F.T @ error


def kfac_step(G: Array, F_star: Array, cov: Array, eta: float, damping: float = 0.0) -> Array:
    F = fitted_head(G, F_star, cov)
    grad = gradient(F, G, F_star, cov)[1]
    shifted = cov + damping * np.eye(cov.shape[0])
    return G - eta * np.linalg.solve(F.T @ F, np.linalg.solve(shifted, grad.T).T)


def amgd_step(G: Array, F_star: Array, cov: Array, eta: float) -> Array:
    """Rows of G orthonormal before the step."""
    F = fitted_head(G, F_star, cov)
    return G - eta * gradient(F, G, F_star, cov)[1]
