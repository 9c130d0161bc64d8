"""Update maps near a solution, differentiated numerically, and the spectra they have there."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import linalg
from lpfl.optim.core.method import Method
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.tolerance import Tolerance, truncation
from lpfl.verify.trial import Trial, as_numpy, condition_of

Array = NDArray[np.float64]


def difference_width(dtype: torch.dtype) -> float:
    """Return the step of central differences at which truncation and rounding are alike."""
    return float(torch.finfo(dtype).eps ** (1 / 3))


def tangent_jacobian(
    method: Method, problem: model.LinearRepresentation, batch: model.Batch, *, steps: int = 1
) -> Array:
    """Return the Jacobian of vec T -> vec T after ``steps`` at T = 0 by central differences.

    Every direction is one replicate; ``problem`` and ``batch`` hold a single one.
    """
    G_star, B = problem.representation_star, problem.complement
    k, d = G_star.shape[-2:]
    size = k * (d - k)
    width = difference_width(G_star.dtype)
    directions = torch.eye(size, dtype=G_star.dtype, device=G_star.device)
    T = width * torch.cat([directions, -directions]).reshape(2 * size, k, d - k)
    G = G_star + T @ B
    if method.orthonormal:
        G = linalg.orthonormal_rows(G)
    head = problem.head_star.expand(2 * size, -1, -1)
    start = model.Weights(head, G)
    wide = repeated(batch, 2 * size)
    after, _ = simulate(method, start, lambda step: wide, num_steps=steps)
    T_next = linalg.tangent_matrix(
        after.representation, G_star.expand(2 * size, k, d), B.expand(2 * size, d - k, d)
    ).reshape(2 * size, size)
    return as_numpy((T_next[:size] - T_next[size:]) / (2 * width)).T


def update_jacobian(method: Method, solution: model.Weights, batch: model.Batch) -> Array:
    """Return the Jacobian of (vec G, vec F) -> (vec G+, vec F+) at ``solution``, (p, p).

    Central differences; every direction is one replicate, ``solution`` and ``batch`` hold one.
    """
    F, G = solution
    (m, k), d = F.shape[-2:], G.shape[-1]
    size = k * (d + m)
    width = difference_width(G.dtype)
    directions = width * torch.eye(size, dtype=G.dtype, device=G.device)
    moves = torch.cat([directions, -directions])
    start = model.Weights(
        F + linalg.unvec(moves[:, k * d :], m), G + linalg.unvec(moves[:, : k * d], k)
    )
    after, _ = method.step(start, method.init(start), repeated(batch, 2 * size))
    flat = model.flatten(after)
    return as_numpy((flat[:size] - flat[size:]) / (2 * width)).T


def repeated(batch: model.Batch, replicates: int) -> model.Batch:
    """Return the single batch once per replicate."""
    parts = (None if part is None else part.expand(replicates, -1, -1) for part in batch)
    return model.Batch(*parts)  # type: ignore[arg-type]


def gauge_basis(solution: model.Weights) -> Array:
    """Return orthonormal columns (p, k^2) of the gauge directions (vec -A G, vec F A)."""
    F, G = solution
    k = F.shape[-1]
    A = torch.eye(k * k, dtype=F.dtype, device=F.device).reshape(k * k, k, k)
    directions = model.flatten(model.Weights(F @ A, -A @ G))
    return np.asarray(np.linalg.qr(as_numpy(directions).T)[0])


def moving_eigenvalues(jacobian: Array, solution: model.Weights) -> NDArray[np.complex128]:
    """Return the eigenvalues of ``jacobian`` on weights modulo the gauge, (p - k^2,).

    The update fixes every gauge direction, so the rest is a map of the quotient.
    """
    gauge = gauge_basis(solution)
    rest = np.linalg.qr(gauge, mode="complete")[0][:, gauge.shape[1] :]
    return np.asarray(np.linalg.eigvals(rest.T @ jacobian @ rest))


def schur_spectrum(problem: model.LinearRepresentation) -> Array:
    """Return the eigenvalues of the Schur complement of Sigma on the complement of G*."""
    return np.asarray(np.linalg.eigvalsh(schur_complement(problem)))


def schur_complement(problem: model.LinearRepresentation) -> Array:
    """Return Sigma_pp - Sigma_ps Sigma_ss^{-1} Sigma_sp of the first replicate (d-k, d-k)."""
    k = problem.representation_star.shape[-2]
    cov_x = as_numpy(setup.frame_covariance(problem))
    schur = cov_x[k:, k:] - cov_x[k:, :k] @ np.linalg.solve(cov_x[:k, :k], cov_x[:k, k:])
    return np.asarray((schur + schur.T) / 2)


def difference_tolerance(trial: Trial, size: int, *matrices: Tensor) -> Tolerance:
    """Return the error of an eigenvalue of a Jacobian of ``size`` from central differences.

    The eigenvectors, and the third derivatives of the inverses in the step, amplify truncation
    and rounding by the condition numbers of what is inverted.
    """
    condition = condition_of(*matrices)
    return truncation(
        16 * size * difference_width(trial.dtype) ** 2 * condition,
        f"central differences: 16 p eps^(2/3) with p = {size}, condition number {condition:.3g}",
    )
