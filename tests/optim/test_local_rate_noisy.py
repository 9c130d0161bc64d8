"""``local_rate`` of methods whose preconditioner is made of noisy gradients, near the solution.

What a prediction takes for granted (infinite data, noise far above the signal, k much smaller than
d) is made exact by the data that the map is given, or has a stated remainder.
"""

import pytest
import torch

from lpfl.linalg.spectral import polar_factor, psd_power
from lpfl.optim import ngd_empirical
from lpfl.optim.ngd_empirical import sample_gradients
from lpfl.problems import linear_representation as model
from lpfl.seeding import generator
from lpfl.verify.setups.linear.jacobian import difference_width
from tests.optim.local_rate_cases import SEEDS, TOLERANCE, drawn, largest, largest_moving
from theory.linear_representation import local_rate


def factorial_rows(root: torch.Tensor, outputs: int, noise_std: float) -> tuple[torch.Tensor, ...]:
    """Return inputs and noise (1, n, .) with second moments root^2 and noise_std^2 I, independent.

    Every input +-sqrt(d) root e_j is met with every noise +-noise_std sqrt(m) e_i.
    """
    d = root.shape[-1]
    signs = torch.tensor([1.0, -1.0], dtype=root.dtype)
    x = torch.cat([sign * d**0.5 * root for sign in signs])
    eye = torch.eye(outputs, dtype=root.dtype)
    e = torch.cat([sign * noise_std * outputs**0.5 * eye for sign in signs])
    return x.repeat_interleave(2 * outputs, 0)[None], e.repeat(2 * d, 1)[None]


@pytest.mark.parametrize("seed", SEEDS)
def test_empirical_natural_gradient(seed):
    """With independent factorial noise the batch's Fisher matrix is its population value."""
    case, noise_std = drawn(seed), 0.7
    x, e = factorial_rows(case.truth.root, case.sizes["output_dim"], noise_std)
    batch = model.batch_of_rows(x, x @ case.truth.product_star.mT + e)
    eta = case.step_size * noise_std**2
    measured = largest_moving(ngd_empirical.ngd_empirical(step_size=eta), case.solution, batch)
    predicted = local_rate("ngd_empirical", step_size=eta, noise_std=noise_std)
    assert measured == pytest.approx(predicted, abs=TOLERANCE)


ROWS, NOISE_STD = 40, 2.0


def preconditioned(method: str, per_sample: torch.Tensor) -> torch.Tensor:
    """Return the direction from sample gradients (R, N, k, d), moments as of batches of ROWS."""
    mean, n = per_sample.mean(1), float(ROWS)
    if method == "adam":
        return mean / (per_sample.square().mean(1) / n).sqrt()
    left = (per_sample @ per_sample.mT).mean(1) / n
    right = (per_sample.mT @ per_sample).mean(1) / n
    if method == "muon":  # the polar factor where k is far below d: whitened from the left
        return psd_power(left, -0.5) @ mean
    return psd_power(left, -0.25) @ mean @ psd_power(right, -0.25)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("method", ["adam", "shampoo", "muon"])
def test_methods_dominated_by_noise(seed, method):
    """The head stays at F*, diagonal H and Sigma, the preconditioner made of sample gradients."""
    case = drawn(seed)
    (m, k), d = case.truth.head_star.shape[-2:], case.truth.cov_x.shape[-1]
    lam = torch.as_tensor(case.head_eigenvalues)
    mu = torch.linalg.eigvalsh(case.truth.cov_x)
    x, e = factorial_rows(mu.sqrt().diag(), m, NOISE_STD)
    F = torch.eye(m, dtype=torch.float64)[:, :k] * lam.sqrt()
    width = difference_width(torch.float64)
    eye = torch.eye(k * d, dtype=torch.float64).reshape(-1, k, d)
    moves = width * torch.cat([eye, -eye])
    wide = model.Weights(F.expand(2 * k * d, m, k), moves)
    U = sample_gradients(wide, x.expand(2 * k * d, -1, -1), e.expand(2 * k * d, -1, -1))
    per_sample = U[..., : k * d].unflatten(-1, (d, k)).mT
    eta = 0.1 * case.step_size
    after = (moves - eta * preconditioned(method, per_sample)).reshape(2 * k * d, -1)
    jacobian = ((after[: k * d] - after[k * d :]) / (2 * width)).T.numpy()
    given = {"noise_std": NOISE_STD, "n": ROWS}
    if method != "adam":
        given["cov_trace"] = float(mu.sum())
    predicted = local_rate(
        method, step_size=eta, head_eigenvalues=lam, schur_eigenvalues=mu, **given
    )
    assert largest(jacobian) == pytest.approx(predicted, rel=TOLERANCE)


def test_muon_is_left_whitening_where_the_rank_is_small():
    """The polar factor of a noisy gradient, k = 2 of d = 400; remainder of order (k + 1)/d."""
    stream = generator(0, "wide polar factor")
    k, d, runs, eta = 2, 400, 48, 1e-3
    lam = torch.tensor([2.0, 0.5], dtype=torch.float64)
    mu = torch.linspace(0.5, 1.5, d, dtype=torch.float64)
    noise = torch.randn((runs, k, d), generator=stream, dtype=torch.float64)
    noise = NOISE_STD / ROWS**0.5 * lam.sqrt()[:, None] * noise * mu.sqrt()
    width = 1e-4
    rates = []
    for i, j in ((0, 0), (0, d - 1), (1, 0), (1, d - 1)):
        signal = torch.zeros(k, d, dtype=torch.float64)
        signal[i, j] = width
        gradient = lam[:, None] * signal * mu
        ends = [
            sign * signal[i, j] - eta * polar_factor(noise + sign * gradient)[:, i, j]
            for sign in (1.0, -1.0)
        ]
        rates.append(float((ends[0] - ends[1]).mean() / (2 * width)))
    predicted = local_rate(
        "muon",
        step_size=eta,
        head_eigenvalues=lam,
        schur_eigenvalues=mu,
        noise_std=NOISE_STD,
        n=ROWS,
        cov_trace=float(mu.sum()),
    )
    slowest = 1.0 - max(abs(rate) for rate in rates)
    assert slowest == pytest.approx(1.0 - predicted, rel=5 * (k + 1) / d)
