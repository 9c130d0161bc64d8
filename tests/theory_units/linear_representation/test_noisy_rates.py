"""Rates that depend on batch noise: Adam, Shampoo, Muon, empirical Fisher, random batches."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tests.theory_units.linear_representation.cases import covariance, head
from theory.linear_representation import adam_operator, local_rate

K, D, M = 2, 5, 4


def problem(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return covariance(D, 8.0, rng), head(M, np.array([0.5, 2.0]), rng)


def test_rates_of_noise_dominated_methods() -> None:
    lam, mu = np.array([1.0, 2.0]), np.array([0.5, 1.0, 2.0])
    sigma, n, eta = 2.0, 50, 1e-4
    H, Sigma = np.diag(lam), np.diag(mu)
    given = {"head_eigenvalues": lam, "schur_eigenvalues": mu, "noise_std": sigma, "n": n}
    newton = np.kron(Sigma, H)
    noise = sigma**2 / n * newton  # covariance of the gradient noise, column-stacked

    adam = np.diag(np.diag(noise) ** -0.5) @ newton
    rate = local_rate("adam", step_size=eta, **given)
    assert rate == pytest.approx(np.abs(1 - eta * np.linalg.eigvals(adam)).max(), rel=1e-12)

    for exponent in (0.25, 0.5):
        left = (sigma**2 / n * lam * mu.sum()) ** -exponent
        right = (sigma**2 / n * mu * lam.sum()) ** -exponent
        operator = np.kron(np.diag(right), np.diag(left)) @ newton
        rate = local_rate("shampoo", step_size=eta, **given, cov_trace=mu.sum(), exponent=exponent)
        expected = np.abs(1 - eta * np.linalg.eigvals(operator)).max()
        assert rate == pytest.approx(expected, rel=1e-12)

    left = (sigma**2 / n * lam * mu.sum()) ** -0.5  # polar factor of a wide noisy gradient
    operator = np.kron(Sigma, np.diag(left) @ H)
    rate = local_rate("muon", step_size=eta, **given, cov_trace=mu.sum())
    assert rate == pytest.approx(np.abs(1 - eta * np.linalg.eigvals(operator)).max(), rel=1e-12)

    assert local_rate("ngd_empirical", step_size=0.4, noise_std=2.0) == pytest.approx(0.9)


def test_adam_operator_is_the_mean_step_over_its_standard_deviation() -> None:
    """One Adam step at noise far above the signal: mean and deviation of raw batch gradients."""
    rng = np.random.default_rng(31)
    sigma, n, runs = 3.0, 20, 4000
    cov, F_star = problem(31)
    deviation = 0.01 * rng.normal(size=(K, D))
    X = rng.normal(size=(runs, n, D)) @ np.linalg.cholesky(cov).T
    residual = X @ (F_star @ deviation).T - sigma * rng.normal(size=(runs, n, M))
    grads = np.swapaxes(residual @ F_star, 1, 2) @ X / n
    spread = grads.std(axis=0)
    operator = adam_operator(head_gram=F_star.T @ F_star, cov_x=cov, noise_std=sigma, n=n)
    predicted = (operator @ deviation.T.ravel()).reshape(D, K).T
    exact_mean = F_star.T @ F_star @ deviation @ cov
    # Means of 20 products of Gaussians have kurtosis below 4, so the spread of `runs` draws has
    # relative standard error below sqrt(3 / (4 runs)); five of them.
    assert_allclose(exact_mean / spread, predicted, rtol=5 * np.sqrt(3 / (4 * runs)))
    diagonal = local_rate(
        "adam",
        step_size=1e-3,
        head_eigenvalues=[1.0, 2.0],
        schur_eigenvalues=[1.0, 3.0],
        noise_std=sigma,
        n=n,
    )
    simple = adam_operator(
        head_gram=np.diag([1.0, 2.0]), cov_x=np.diag([1.0, 3.0]), noise_std=sigma, n=n
    )
    assert diagonal == pytest.approx(np.abs(1 - 1e-3 * np.linalg.eigvals(simple)).max())


def test_noiseless_batches_shorten_the_mean_amgd_step() -> None:
    rng = np.random.default_rng(30)
    n, runs, mu, lam, eta = 12, 20000, 0.7, 2.0, 0.2
    X = rng.normal(size=(runs, n, 3)) * np.sqrt([1.0, 2.0, mu])
    cov = np.einsum("rni,rnj->rij", X, X) / n
    inner = cov[:, :2, :2]
    part = cov[:, 2, 2] - np.einsum(
        "ri,ri->r", cov[:, 2, :2], np.linalg.solve(inner, cov[:, :2, 2:])[..., 0]
    )
    multipliers = 1 - eta * lam * part
    predicted = local_rate(
        "amgd", step_size=eta, head_eigenvalues=[lam, lam], schur_eigenvalues=[mu], n=n
    )
    error = multipliers.std() / np.sqrt(runs)
    assert abs(multipliers.mean() - predicted) < 5 * error
    assert abs(1 - eta * lam * mu - predicted) > 20 * error
