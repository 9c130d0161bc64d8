"""Predicted local spectra against the numerical Jacobian of the simulated step."""

from collections.abc import Callable

import flint
import numpy as np
import pytest
from numpy.testing import assert_allclose

from tests.theory_units.linear_representation.cases import (
    amgd_step,
    covariance,
    gradient,
    head,
    kfac_step,
    orthonormal_rows,
    tangent,
    truth,
)
from theory.linear_representation import (
    damped_eigenvalues,
    gauss_newton_rank,
    gauss_newton_spectrum,
    gradient_descent_spectrum,
    kfac_spectrum,
    local_rate,
    natural_gradient_spectrum,
)

K, D, M = 2, 5, 4
LAM = np.array([0.5, 2.0])
WIDTH = 1e-4
TOLERANCE = 1e-6  # central differences: WIDTH^2 times third derivatives, plus eps / WIDTH


def problem(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return covariance(D, 8.0, rng), head(M, LAM, rng)


def schur(cov: np.ndarray) -> np.ndarray:
    return np.linalg.inv(np.linalg.inv(cov)[K:, K:])


def jacobian(step: Callable[[np.ndarray], np.ndarray], at: np.ndarray) -> np.ndarray:
    columns = []
    for unit in np.eye(at.size):
        difference = step(at + WIDTH * unit) - step(at - WIDTH * unit)
        columns.append(difference / (2 * WIDTH))
    return np.column_stack(columns)


def tangent_spectrum(step: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Eigenvalues of the map T -> T+ at T = 0, for a step on G = [I T]."""

    def flat(vector: np.ndarray) -> np.ndarray:
        G = np.hstack([np.eye(K), vector.reshape(K, D - K)])
        return tangent(step(G)).ravel()

    return np.linalg.eigvals(jacobian(flat, np.zeros(K * (D - K))))


def joint_spectrum(
    step: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    F: np.ndarray,
    G: np.ndarray,
) -> np.ndarray:
    def flat(vector: np.ndarray) -> np.ndarray:
        head_next, rows_next = step(
            vector[: F.size].reshape(F.shape), vector[F.size :].reshape(G.shape)
        )
        return np.concatenate([head_next.ravel(), rows_next.ravel()])

    values = np.linalg.eigvals(jacobian(flat, np.concatenate([F.ravel(), G.ravel()])))
    # Repeated eigenvalues of a non-normal Jacobian split like the root of its error.
    assert np.abs(values.imag).max() < np.sqrt(TOLERANCE)
    return np.sort(values.real)


def test_amgd_multipliers() -> None:
    cov, F_star = problem(21)
    values = tangent_spectrum(lambda G: amgd_step(orthonormal_rows(G), F_star, cov, 0.3))
    mu = np.linalg.eigvalsh(schur(cov))
    assert_allclose(
        np.sort(values.real), np.sort(1 - 0.3 * np.outer(LAM, mu).ravel()), atol=TOLERANCE
    )
    predicted = local_rate("amgd", step_size=0.3, head_eigenvalues=LAM, schur_eigenvalues=mu)
    assert np.abs(values).max() == pytest.approx(predicted, abs=TOLERANCE)


def test_the_best_amgd_rate_is_set_by_both_condition_numbers() -> None:
    lam, mu = np.array([1.0, 4.0]), np.array([0.5, 2.0, 5.0])
    kappa = 4 * 10.0
    best = local_rate(
        "amgd", step_size=2 / (0.5 + 20.0), head_eigenvalues=lam, schur_eigenvalues=mu
    )
    assert best == pytest.approx((kappa - 1) / (kappa + 1), rel=1e-12)


def test_kfac_multipliers_are_free_of_the_covariance() -> None:
    cov, F_star = problem(22)
    values = tangent_spectrum(lambda G: kfac_step(G, F_star, cov, 0.3))
    assert_allclose(values, 0.7, atol=TOLERANCE)
    assert local_rate("kfac", step_size=0.3) == pytest.approx(0.7)
    assert local_rate("kfac", step_size=1.8) == pytest.approx(0.8)


def test_damped_kfac_multipliers() -> None:
    cov, F_star = problem(23)
    values = tangent_spectrum(lambda G: kfac_step(G, F_star, cov, 0.3, damping=0.2))
    nu = damped_eigenvalues(cov, rank=K, damping=0.2)
    assert_allclose(np.sort(values.real), np.sort(np.tile(1 - 0.3 * nu, K)), atol=TOLERANCE)
    predicted = local_rate("kfac", step_size=0.3, damping=0.2, cov_x=cov, rank=K)
    assert np.abs(values).max() == pytest.approx(predicted, abs=TOLERANCE)
    assert predicted > 0.75
    assert_allclose(damped_eigenvalues(cov, rank=K, damping=0.0), 1.0, rtol=1e-12)


def test_joint_gradient_descent_follows_the_gauss_newton_spectrum() -> None:
    cov, F_star = problem(24)
    G_star = truth(K, D)

    def step(F: np.ndarray, G: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        head_gradient, gradient_ = gradient(F, G, F_star, cov)
        return F - 0.1 * head_gradient, G - 0.1 * gradient_

    values = joint_spectrum(step, F_star, G_star)
    newton = gauss_newton_spectrum(head=F_star, representation=G_star, cov_x=cov)
    assert_allclose(values, np.sort(1 - 0.1 * newton), atol=np.sqrt(TOLERANCE) * 1e-2)


@pytest.mark.parametrize("balanced", [False, True])
def test_isotropic_gradient_descent_spectra(balanced: bool) -> None:
    _, F_star = problem(25)
    left, values, right = np.linalg.svd(F_star, full_matrices=False)
    scale = np.diag(np.sqrt(values)) if balanced else np.diag(values)
    F = left @ scale
    G = np.linalg.solve(scale, np.diag(values) @ right @ truth(K, D))
    newton = gauss_newton_spectrum(head=F, representation=G, cov_x=np.eye(D))
    predicted = gradient_descent_spectrum(
        step_size=0.1, head_eigenvalues=LAM, input_dim=D, output_dim=M, balanced=balanced
    )
    assert_allclose(np.sort(1 - 0.1 * newton), predicted, atol=1e-13)
    assert predicted.size == K * (M + D)


def test_balanced_gradient_descent_rate_is_set_by_the_smallest_singular_value() -> None:
    rate = local_rate("gd", step_size=0.1, head_eigenvalues=LAM)
    assert rate == pytest.approx(1 - 0.1 * np.sqrt(0.5))


def kfac_pair(
    F: np.ndarray, G: np.ndarray, F_star: np.ndarray, cov: np.ndarray, *, in_turn: bool
) -> tuple[np.ndarray, np.ndarray]:
    grad = gradient(F, G, F_star, cov)[1]
    G_next = G - 0.2 * np.linalg.solve(F.T @ F, np.linalg.solve(cov, grad.T).T)
    seen = G_next if in_turn else G
    head_gradient = gradient(F, seen, F_star, cov)[0]
    return F - 0.5 * np.linalg.solve(seen @ cov @ seen.T, head_gradient.T).T, G_next


@pytest.mark.parametrize("in_turn", [False, True])
def test_joint_kfac_spectrum(in_turn: bool) -> None:
    cov, F_star = problem(26)
    values = joint_spectrum(
        lambda F, G: kfac_pair(F, G, F_star, cov, in_turn=in_turn), F_star, truth(K, D)
    )
    predicted = kfac_spectrum(
        step_size=0.2, head_step_size=0.5, rank=K, input_dim=D, output_dim=M, in_turn=in_turn
    )
    assert predicted.size == K * (M + D)
    assert_allclose(values, predicted, atol=np.sqrt(TOLERANCE))
    rate = local_rate("kfac_joint", step_size=0.2, head_step_size=0.5, in_turn=in_turn)
    moving = predicted[np.abs(predicted - 1) > 1e-9]
    assert rate == pytest.approx(np.abs(moving).max())


def test_joint_kfac_is_unstable_beyond_two() -> None:
    assert local_rate("kfac_joint", step_size=1.2, head_step_size=0.9) > 1
    assert local_rate("kfac_joint", step_size=1.2, head_step_size=0.7) < 1


def natural_step(
    F: np.ndarray, G: np.ndarray, error: np.ndarray, cov: np.ndarray, eta: float
) -> tuple[np.ndarray, np.ndarray]:
    """Step with the pseudo-inverse of the Gauss-Newton matrix; error is FG - F*G*.

    The matrix is built from its action on unit directions.
    """
    m, k = F.shape
    rows = []
    for unit in np.eye(F.size + G.size):
        change = unit[: F.size].reshape(F.shape) @ G + F @ unit[F.size :].reshape(G.shape)
        rows.append(np.concatenate([(change @ cov @ G.T).ravel(), (F.T @ change @ cov).ravel()]))
    newton = np.array(rows)
    flat = np.concatenate([(error @ cov @ G.T).ravel(), (F.T @ error @ cov).ravel()])
    values, basis = np.linalg.eigh((newton + newton.T) / 2)
    kept = gauss_newton_rank(input_dim=G.shape[1], output_dim=m, rank=k)
    step = basis[:, -kept:] @ ((basis[:, -kept:].T @ flat) / values[-kept:])
    return F - eta * step[: F.size].reshape(F.shape), G - eta * step[F.size :].reshape(G.shape)


def test_natural_gradient_spectrum() -> None:
    cov, F_star = problem(27)
    values = joint_spectrum(
        lambda F, G: natural_step(F, G, F @ G - F_star @ truth(K, D), cov, 0.3), F_star, truth(K, D)
    )
    predicted = natural_gradient_spectrum(step_size=0.3, rank=K, input_dim=D, output_dim=M)
    assert_allclose(values, predicted, atol=np.sqrt(TOLERANCE))
    assert local_rate("ngd", step_size=0.3) == pytest.approx(0.7)


def test_natural_gradient_commutes_with_input_maps_only_to_first_order() -> None:
    rng = np.random.default_rng(28)
    cov, F_star = problem(28)
    G = truth(K, D) + 0.3 * rng.normal(size=(K, D))
    F = F_star + 0.3 * rng.normal(size=F_star.shape)
    A = rng.normal(size=(D, D)) + 2 * np.eye(D)
    back = np.linalg.inv(A)

    def gap(eta: float) -> float:
        F_next, G_next = natural_step(F, G, F @ G - F_star @ truth(K, D), cov, eta)
        error = F @ G @ back - F_star @ truth(K, D) @ back
        F_map, G_map = natural_step(F, G @ back, error, A @ cov @ A.T, eta)
        return float(np.abs(F_map @ G_map @ A - F_next @ G_next).max())

    assert gap(0.1) > 1e-6
    assert gap(0.1) / gap(0.05) == pytest.approx(4.0, rel=1e-3)


@pytest.mark.parametrize("data_rank", [2, 3, 5])
def test_gauss_newton_rank_is_exact(data_rank: int) -> None:
    """Rank of the Jacobian over the rationals, inputs of a chosen rank."""
    rng = np.random.default_rng(29)
    F = rng.integers(-5, 6, size=(M, K))
    G = rng.integers(-5, 6, size=(K, D))
    X = rng.integers(-3, 4, size=(7, data_rank)) @ rng.integers(-3, 4, size=(data_rank, D))
    rows = []
    for unit in np.eye(K * (M + D), dtype=int):
        change = unit[: M * K].reshape(M, K) @ G + F @ unit[M * K :].reshape(K, D)
        rows.append((X @ change.T).ravel().tolist())
    rank = flint.fmpz_mat(rows).rank()
    assert rank == gauss_newton_rank(input_dim=D, output_dim=M, rank=K, data_rank=data_rank)


@pytest.mark.parametrize("more", [{"factor_rows": 20}, {"factor_rows": 40}])
def test_the_sizes_may_come_from_the_spectra_or_the_covariance(more):
    sizes = {"rank": 2, "input_dim": 6}
    known = {"step_size": 0.4, "n": 30, "factor": "independent", **more}
    expected = local_rate("kfac", **known, **sizes)
    spectra = {"head_eigenvalues": [1.0, 2.0], "schur_eigenvalues": [1.0, 0.5, 2.0, 3.0]}
    assert local_rate("kfac", **known, **spectra) == expected
    assert local_rate("kfac", **known, rank=2, cov_x=np.eye(6)) == expected
