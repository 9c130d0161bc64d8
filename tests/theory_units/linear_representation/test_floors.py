"""Noise floors against Monte Carlo.

Each floor is linear in the noise only to leading order, so the simulations use noise small enough
that the next order is below 1e-4 of the floor; what remains is the standard error of the mean over
independent replicates.
"""

import numpy as np
import pytest

from tests.theory_units.linear_representation.cases import covariance, head, transposed, truth
from theory.linear_representation import tangent_floor

K, D, M, ROWS = 2, 5, 3, 30
SIGMA = 1e-3
LAM = np.array([0.5, 2.0])
Z = 5.0  # standard errors; about 1e-6 per two-sided comparison


def problem(seed: int) -> tuple[np.random.Generator, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    cov = covariance(D, 6.0, rng)
    mu = np.linalg.eigvalsh(np.linalg.inv(np.linalg.inv(cov)[K:, K:]))
    return rng, cov, head(M, LAM, rng), mu


def simulate(
    method: str, rng: np.random.Generator, cov: np.ndarray, F_star: np.ndarray, *, eta: float,
    runs: int, steps: int,
    rows: int = ROWS,
) -> np.ndarray:  # fmt: skip
    """|T|_F^2 / SIGMA^2 after ``steps`` steps from the truth, fresh batches, same-batch head."""
    root = np.linalg.cholesky(cov)
    G_star = truth(K, D)
    G = np.tile(G_star, (runs, 1, 1))
    for _ in range(steps):
        X = rng.normal(size=(runs, rows, D)) @ root.T
        Y = X @ (F_star @ G_star).T + SIGMA * rng.normal(size=(runs, rows, M))
        cov_batch, cross = transposed(X) @ X / rows, transposed(Y) @ X / rows
        GS = G @ cov_batch
        F = transposed(np.linalg.solve(GS @ transposed(G), G @ transposed(cross)))
        grad = transposed(F) @ (F @ GS - cross)
        if method == "kfac":
            grad = np.linalg.solve(transposed(F) @ F, grad) @ np.linalg.inv(cov_batch)
        G = G - eta * grad
        if method == "amgd":
            G = transposed(np.linalg.qr(transposed(G))[0])
    T = np.linalg.solve(G[..., :K], G[..., K:])
    return (T**2).sum(axis=(-1, -2)) / SIGMA**2


def floor(method: str, *, eta: float, mu: np.ndarray, rows: int = ROWS) -> float:
    return (
        tangent_floor(
            method,
            step_size=eta,
            noise_std=SIGMA,
            n=rows,
            head_eigenvalues=LAM,
            schur_eigenvalues=mu,
        )
        / SIGMA**2
    )


@pytest.mark.parametrize("eta", [0.5, 1.0, 1.4])
def test_kfac_floor(eta: float) -> None:
    rng, cov, F_star, mu = problem(31)
    values = simulate("kfac", rng, cov, F_star, eta=eta, runs=4000, steps=18)
    error = values.std() / np.sqrt(values.size)
    predicted = floor("kfac", eta=eta, mu=mu)
    assert abs(values.mean() - predicted) < Z * error
    # It is the inverse Wishart mean: n in place of n - d - 1 would be seen.
    assert abs(predicted * (ROWS - D - 1) / ROWS - values.mean()) > Z * error


def test_amgd_floor_is_the_wishart_fixed_point() -> None:
    rng, cov, F_star, mu = problem(32)
    rows = 12  # few, so that the large-batch form is visibly another number
    eta = 1.0 / float(LAM.max() * mu.max())
    slowest = 1 - eta * LAM.min() * mu.min() * (rows - K) / rows
    steps = int(np.ceil(np.log(1e-4) / np.log(slowest**2)))
    values = simulate("amgd", rng, cov, F_star, eta=eta, runs=6000, steps=steps, rows=rows)
    error = values.std() / np.sqrt(values.size)
    predicted = floor("amgd", eta=eta, mu=mu, rows=rows)
    assert abs(values.mean() - predicted) < Z * error + 1e-3 * predicted
    large = floor("amgd_large_batch", eta=eta, mu=mu, rows=rows)
    assert abs(large - values.mean()) > Z * error + 1e-3 * predicted


def test_amgd_floor_tends_to_its_large_batch_form() -> None:
    gaps = []
    for n in (10**3, 10**4, 10**5):
        given = {
            "step_size": 0.4,
            "noise_std": 1.0,
            "n": n,
            "head_eigenvalues": LAM,
            "schur_eigenvalues": [0.2, 1.0],
        }
        gaps.append(
            n * (tangent_floor("amgd", **given) - tangent_floor("amgd_large_batch", **given))
        )
    assert gaps[0] / gaps[1] == pytest.approx(10.0, rel=0.05)
    assert gaps[1] / gaps[2] == pytest.approx(10.0, rel=0.05)


def test_flat_directions_do_not_amplify_the_noise_of_amgd_but_that_of_kfac() -> None:
    given = {"step_size": 0.1, "noise_std": 0.1, "n": 1000, "head_eigenvalues": [1.0]}
    flat, steep = {"schur_eigenvalues": [1e-3]}, {"schur_eigenvalues": [1.0]}
    amgd = tangent_floor("amgd", **given, **flat) / tangent_floor("amgd", **given, **steep)
    kfac = tangent_floor("kfac", **given, **flat) / tangent_floor("kfac", **given, **steep)
    assert amgd < 1.0
    assert kfac == pytest.approx(1000.0)


def test_empirical_fisher_floor() -> None:
    """k = m = 1, d = 3: q = 3 parameters; leading order, remainder of order q/n (10 q/n taken)."""
    rng = np.random.default_rng(33)
    runs, n, sigma, alpha = 300, 600, 0.1, 0.3
    eta, parameters = alpha * sigma**2, 3
    F, G = np.ones((runs, 1)), np.tile([1.0, 0.0, 0.0], (runs, 1))
    for _ in range(30):
        X = rng.normal(size=(runs, n, 3))
        y = X[..., 0] + sigma * rng.normal(size=(runs, n))
        hidden = np.einsum("rnd,rd->rn", X, G)
        residual = F * hidden - y
        scores = np.concatenate(
            [(residual * hidden)[..., None], residual[..., None] * F[..., None] * X], axis=-1
        )
        fisher = transposed(scores) @ scores / n
        mean = scores.mean(axis=1)
        values, basis = np.linalg.eigh(fisher)
        kept = basis[..., 1:]  # four coordinates, one of them the gauge
        inner = np.einsum("rij,ri->rj", kept, mean) / values[..., 1:]
        step = np.einsum("rij,rj->ri", kept, inner)
        F, G = F - eta * step[:, :1], G - eta * step[:, 1:]
    squares = (G[:, 1] ** 2 + G[:, 2] ** 2) / G[:, 0] ** 2
    predicted = tangent_floor(
        "ngd_empirical",
        step_size=eta,
        noise_std=sigma,
        n=n,
        head_eigenvalues=[1.0],
        schur_eigenvalues=[1.0, 1.0],
        output_dim=1,
    )
    error = squares.std() / np.sqrt(runs)
    assert abs(squares.mean() - predicted) < Z * error + 10 * parameters / n * predicted
    plain = tangent_floor(
        "kfac",
        step_size=eta,
        noise_std=sigma,
        n=n,
        head_eigenvalues=[1.0],
        schur_eigenvalues=[1.0, 1.0],
    )
    assert squares.mean() > 20 * plain


def test_adam_floor_is_the_small_step_limit_of_its_recursion() -> None:
    """D+ = (1 - eta a) D + eta xi has variance eta / (2a - eta a^2): relative gap eta a / 2."""
    lam, mu, sigma, n = 2.0, 0.5, 0.3, 100
    rate = np.sqrt(n * lam * mu) / sigma
    for eta in (1e-3, 1e-4):
        recursion = eta**2 / (1 - (1 - eta * rate) ** 2)
        predicted = tangent_floor(
            "adam",
            step_size=eta,
            noise_std=sigma,
            n=n,
            head_eigenvalues=[lam],
            schur_eigenvalues=[mu],
        )
        assert predicted < recursion < predicted * (1 + eta * rate)


def test_muon_floor() -> None:
    """One row, d = 101, isotropic: normalised noisy gradients; remainder 2/d + eta a / 2."""
    rng = np.random.default_rng(34)
    size, lam, sigma, n, runs = 101, 2.0, 1.0, 50, 60
    rate = np.sqrt(n * lam / size) / sigma
    eta = 0.02 / rate
    deviation = np.zeros((runs, size))
    for _ in range(300):
        noise = sigma * np.sqrt(lam / n) * rng.normal(size=deviation.shape)
        grad = lam * deviation + noise
        deviation -= eta * grad / np.linalg.norm(grad, axis=1, keepdims=True)
    squares = (deviation[:, 1:] ** 2).sum(axis=1)
    predicted = tangent_floor(
        "muon",
        step_size=eta,
        noise_std=sigma,
        n=n,
        head_eigenvalues=[lam],
        schur_eigenvalues=np.ones(size - 1),
    )
    error = squares.std() / np.sqrt(runs)
    assert abs(squares.mean() / predicted - 1) < Z * error / predicted + 2 / size + 0.01


def test_the_floor_of_the_empirical_fisher_needs_more_rows_than_parameters():
    """k (m + d - k) parameters and two rows more."""
    known = {
        "head_eigenvalues": [1.0, 2.0],
        "schur_eigenvalues": [1.0, 1.0, 1.0],
        "step_size": 0.1,
        "noise_std": 1.0,
        "output_dim": 4,
    }
    assert tangent_floor("ngd_empirical", n=16, **known) > 0.0
    with pytest.raises(ValueError, match="n=15"):
        tangent_floor("ngd_empirical", n=15, **known)
