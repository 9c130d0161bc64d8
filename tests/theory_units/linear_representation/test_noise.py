"""Gradient bias, the noise law and transfer, against Monte Carlo."""

import numpy as np
import pytest
from scipy import stats

from tests.theory_units.linear_representation.cases import (
    Array,
    covariance,
    head,
    transposed,
    truth,
)
from theory.linear_representation import (
    gradient_bias,
    noise_pivot,
    noise_pivot_degrees,
    transfer_bound,
    transfer_excess,
)

K, D, M, ROWS = 2, 5, 3, 30
Z = 5.0  # standard errors; about 1e-6 per two-sided comparison


def problem(seed: int) -> tuple[np.random.Generator, Array, Array]:
    rng = np.random.default_rng(seed)
    return rng, covariance(D, 6.0, rng), head(M, np.array([0.5, 2.0]), rng)


@pytest.mark.parametrize(
    "setting", ["same_batch", "independent_batch", "independent_batch_whitened"]
)
def test_gradient_bias_at_the_truth(setting: str) -> None:
    rng, cov, F_star = problem(35)
    runs, n2, sigma = 40000, 12, 1.0
    root, G = np.linalg.cholesky(cov), truth(K, D)

    def batch() -> tuple[np.ndarray, np.ndarray]:
        X = rng.normal(size=(runs, n2, D)) @ root.T
        Y = X @ (F_star @ G).T + sigma * rng.normal(size=(runs, n2, M))
        return transposed(X) @ X / n2, transposed(Y) @ X / n2

    cov_batch, cross = batch()
    GS = G @ cov_batch
    F = transposed(np.linalg.solve(GS @ G.T, G @ transposed(cross)))
    if setting != "same_batch":
        cov_batch, cross = batch()
    grads = transposed(F) @ (F @ G @ cov_batch - cross)
    if setting.endswith("whitened"):
        grads = grads @ np.linalg.inv(cov_batch)
    grads = grads[..., K:]
    predicted = gradient_bias(setting, cov_x=cov, rank=K, output_dim=M, n=n2, noise_std=sigma)
    error = grads.std(axis=0) / np.sqrt(runs)
    assert np.abs((grads.mean(axis=0) - predicted) / error).max() < Z
    if setting == "independent_batch":
        assert np.abs(predicted / error).max() > 3 * Z


def test_gradient_bias_of_unequal_variances() -> None:
    """Noise variance 1 + (x_1 + x_5)^2 at leading order: remainder of relative order d/n."""
    rng, cov, F_star = problem(36)
    runs, n = 30000, 100
    root, G = np.linalg.cholesky(cov), truth(K, D)
    u = np.array([1.0, 0, 0, 0, 1.0])
    moment = cov * (1 + u @ cov @ u) + 2 * np.outer(cov @ u, cov @ u)  # Isserlis
    predicted = gradient_bias(
        "heteroscedastic", cov_x=cov, rank=K, output_dim=M, n=n, variance_weighted_cov=moment
    )
    total = np.zeros((K, D - K))
    square = np.zeros((K, D - K))
    for _ in range(10):
        X = rng.normal(size=(runs // 10, n, D)) @ root.T
        noise = np.sqrt(1 + (X @ u)[..., None] ** 2) * rng.normal(size=(runs // 10, n, M))
        Y = X @ (F_star @ G).T + noise
        cov_batch, cross = transposed(X) @ X / n, transposed(Y) @ X / n
        GS = G @ cov_batch
        F = transposed(np.linalg.solve(GS @ G.T, G @ transposed(cross)))
        grads = (transposed(F) @ (F @ GS - cross))[..., K:]
        total += grads.sum(axis=0)
        square += (grads**2).sum(axis=0)
    mean = total / runs
    error = np.sqrt((square / runs - mean**2) / runs)
    finite = 3 * D / n * np.abs(predicted).max()
    assert (np.abs(mean - predicted) < Z * error + finite).all()
    assert np.abs(predicted).max() > 2 * (Z * error.max() + finite)


def test_equal_variances_leave_no_bias_in_the_heteroscedastic_formula() -> None:
    _, cov, _ = problem(37)
    bias = gradient_bias(
        "heteroscedastic", cov_x=cov, rank=K, output_dim=M, n=50, variance_weighted_cov=3 * cov
    )
    assert np.abs(bias).max() < 1e-14


def test_noise_pivot_is_chi_square() -> None:
    rng, cov, F = problem(38)
    root = np.linalg.cholesky(cov)
    pivots = []
    for _ in range(2000):
        X = rng.normal(size=(ROWS, D)) @ root.T
        inverse = np.linalg.inv(X.T @ X / ROWS)
        noise = (0.3 * rng.normal(size=(ROWS, M))).T @ X / ROWS
        term = np.linalg.solve(F.T @ F, F.T @ noise) @ inverse
        pivots.append(
            noise_pivot(
                term[:, K:],
                row_covariance=0.09 * np.linalg.inv(F.T @ F),
                column_covariance=inverse[K:, K:] / ROWS,
            )
        )
    degrees = noise_pivot_degrees(rank=K, input_dim=D)
    assert degrees == K * (D - K)
    assert stats.kstest(pivots, stats.chi2(degrees).cdf).pvalue > 1e-6
    assert stats.kstest(pivots, stats.chi2(degrees + 1).cdf).pvalue < 1e-6


def test_transfer_excess_of_the_best_head_and_its_bound() -> None:
    tightest = 0.0
    for seed in range(200):
        rng = np.random.default_rng([39, seed])
        cov = covariance(D, 5.0, rng)
        F_t, G = rng.normal(size=(M, K)), truth(K, D) + 0.5 * rng.normal(size=(K, D))
        excess = transfer_excess(F_t, representation=G, representation_star=truth(K, D), cov_x=cov)
        root = np.linalg.cholesky(cov)
        fit = np.linalg.lstsq((G @ root).T, (F_t @ truth(K, D) @ root).T, rcond=None)[0].T
        misfit = (fit @ G - F_t @ truth(K, D)) @ root
        assert excess == pytest.approx((misfit**2).sum() / 2, rel=1e-9, abs=1e-13)
        rows = np.linalg.qr(G.T)[0].T
        distance = float(np.linalg.norm(rows[:, K:], 2))
        bound = transfer_bound(F_t, cov_max=float(np.linalg.norm(cov, 2)), distance=distance)
        assert excess <= bound
        tightest = max(tightest, excess / bound)
    assert tightest > 0.3


def test_transfer_excess_on_finite_rows() -> None:
    rng, cov, _ = problem(40)
    F_t, G = rng.normal(size=(M, K)), truth(K, D) + 0.4 * rng.normal(size=(K, D))
    root, runs, n, sigma = np.linalg.cholesky(cov), 40000, 8, 0.5
    X = rng.normal(size=(runs, n, D)) @ root.T
    Y = X @ (F_t @ truth(K, D)).T + sigma * rng.normal(size=(runs, n, M))
    hidden = X @ G.T
    fit = transposed(np.linalg.solve(transposed(hidden) @ hidden, transposed(hidden) @ Y))
    misfit = (fit @ G - F_t @ truth(K, D)) @ root
    values = (misfit**2).sum(axis=(-1, -2)) / 2
    given = {"representation": G, "representation_star": truth(K, D), "cov_x": cov}
    predicted = transfer_excess(F_t, **given, n=n, noise_std=sigma)
    error = values.std() / np.sqrt(runs)
    assert abs(values.mean() - predicted) < Z * error
    # Inflating only the noise part would be seen.
    best = transfer_excess(F_t, **given)
    noise_only = predicted - best * (n - 1) / (n - K - 1) + best
    assert abs(noise_only - values.mean()) > Z * error
