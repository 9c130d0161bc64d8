"""The sampler of sufficient statistics has the law of the statistics of Gaussian rows.

Three witnesses: exact pivots of the normal law, exact means, and a two-sample comparison with
rows. The planted samplers at the end show what the pivots see.
"""

from collections.abc import Callable

import pytest
import torch
from scipy import stats
from torch import Tensor

from lpfl.linalg import machine_tolerance
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.problems.linear_representation import (
    Batch,
    LinearRepresentation,
    draw_head,
    draw_representation,
    sample,
)
from lpfl.problems.linear_representation import moments as sampler
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.problems.single_index.moments import bartlett_factor
from lpfl.seeding import generator
from lpfl.verify.planting import Fault, planted

LEVEL = 1e-7
REPLICATES = 10_000
RANK, OUTPUTS = 2, 3
SIZES = [(1, 5), (4, 5), (5, 5), (6, 5), (40, 5)]  # (n, d) on both sides of n = d
NOISE = 0.7


def problem_of(
    dim: int, *, replicates: int = REPLICATES, dtype: torch.dtype = torch.float64, **options: object
) -> LinearRepresentation:
    covariance = CovarianceSpec(dim, "geometric", 1.0, "haar", 3)
    stream = generator(0, "truth", dim)
    spectrum = torch.tensor([1.0, 0.4], dtype=dtype)
    one_head = draw_head(1, spectrum, OUTPUTS, stream)
    return LinearRepresentation(
        head_star=one_head.expand(replicates, -1, -1),
        representation_star=draw_representation(1, RANK, dim, stream, dtype).expand(
            replicates, -1, -1
        ),
        cov_x=covariance.matrix(dtype=dtype),
        root=covariance.root(dtype=dtype),
        **{"noise_std": NOISE, **options},  # type: ignore[arg-type]
    )


def noise_of(batch: Batch, problem: LinearRepresentation) -> Tensor:
    return batch.cross - problem.product_star @ batch.cov_x


def pivots(batch: Batch, problem: LinearRepresentation, n: int) -> dict[str, float]:
    """p-values of the exact pivots: Wishart ends, and the whitened noise."""
    S, d = problem.cov_x, problem.cov_x.shape[-1]
    a = torch.linspace(1.0, 2.0, d, dtype=S.dtype)
    marginal = n * (batch.cov_x @ a @ a) / (a @ S @ a)
    p = {"marginal": stats.kstest(marginal.numpy(), "chi2", args=(n,)).pvalue}
    N = noise_of(batch, problem)
    if n >= d:
        inner = torch.linalg.solve(batch.cov_x, a.expand(REPLICATES, d)) @ a
        schur = n * (a @ torch.linalg.solve(S, a)) / inner
        p["schur"] = stats.kstest(schur.numpy(), "chi2", args=(n - d + 1,)).pvalue
        lower = torch.linalg.cholesky(batch.cov_x)
        white = torch.linalg.solve_triangular(lower, N.mT, upper=False) * n**0.5 / NOISE
        total = white.square().sum((-2, -1))
        p["noise"] = stats.kstest(total.numpy(), "chi2", args=(d * OUTPUTS,)).pvalue
        p["noise entry"] = stats.kstest(white[:, -1, 0].numpy(), "norm").pvalue
    return p


@pytest.mark.parametrize(("n", "d"), SIZES)
def test_pivots_have_their_exact_law(n: int, d: int) -> None:
    problem = problem_of(d)
    p = pivots(sample_moments(problem, n, generator(2, "pivots", n)), problem, n)
    assert min(p.values()) > LEVEL, p


STATISTICS: dict[str, Callable[[Batch, LinearRepresentation], Tensor]] = {
    "trace": lambda b, p: b.cov_x.diagonal(dim1=1, dim2=2).sum(-1),
    "square": lambda b, p: b.cov_x.square().sum((1, 2)),
    "first diagonal": lambda b, p: b.cov_x[:, 0, 0],
    "last diagonal": lambda b, p: b.cov_x[:, -1, -1],
    "off diagonal": lambda b, p: b.cov_x[:, 0, -1],
    "cross": lambda b, p: b.cross.square().sum((1, 2)),
    "cross entry": lambda b, p: b.cross[:, 0, -1],
    "noise": lambda b, p: noise_of(b, p).square().sum((1, 2)),
    "noise first": lambda b, p: noise_of(b, p)[:, :, 0].square().sum(-1),
    "noise last": lambda b, p: noise_of(b, p)[:, :, -1].square().sum(-1),
    "noise and covariance": lambda b, p: (noise_of(b, p) @ b.cov_x).square().sum((1, 2)),
}


@pytest.mark.parametrize(("n", "d"), SIZES)
def test_same_law_as_rows(n: int, d: int) -> None:
    problem = problem_of(d)
    drawn = sample_moments(problem, n, generator(5, "moments", n))
    rows = sample(problem, n, generator(5, "rows", n))
    p = {
        name: stats.ks_2samp(f(drawn, problem).numpy(), f(rows, problem).numpy()).pvalue
        for name, f in STATISTICS.items()
    }
    assert min(p.values()) > LEVEL, p


@pytest.mark.parametrize(("n", "d"), [(3, 5), (12, 5)])
def test_exact_means(n: int, d: int) -> None:
    """E Sh, E Sh^2, E cross, E N'N, entry by entry."""
    problem = problem_of(d)
    S = problem.cov_x
    batch = sample_moments(problem, n, generator(6, "means", n))
    N = noise_of(batch, problem)
    pairs = (
        (batch.cov_x, S),
        (batch.cov_x @ batch.cov_x, (1 + 1 / n) * S @ S + S.trace() * S / n),
        (batch.cross, problem.product_star[0] @ S),
        (N.mT @ N, OUTPUTS * NOISE**2 / n * S),
    )
    for seen, expected in pairs:
        z = (seen.mean(0) - expected) / (seen.std(0) / REPLICATES**0.5)
        assert 2 * stats.norm.sf(float(z.abs().max())) > LEVEL, (float(z.abs().max()), expected)


def test_a_billion_rows_cost_nothing() -> None:
    """The statistics concentrate like n^{-1/2}; the fluctuation has its exact variance."""
    n, d = 10**9, 5
    problem = problem_of(d)
    batch = sample_moments(problem, n, generator(7, "many"))
    a = torch.linspace(1.0, 2.0, d, dtype=torch.float64)
    spread = (batch.cov_x @ a @ a) / (a @ problem.cov_x @ a) - 1.0
    total = float((spread * (n / 2) ** 0.5).square().sum())
    assert 2 * min(stats.chi2.sf(total, REPLICATES), stats.chi2.cdf(total, REPLICATES)) > LEVEL
    noise = noise_of(batch, problem).square().sum((1, 2)) * n / NOISE**2
    z = (noise.mean() - OUTPUTS * problem.cov_x.trace()) / (noise.std() / REPLICATES**0.5)
    assert 2 * stats.norm.sf(abs(float(z))) > LEVEL


@pytest.mark.parametrize("shift", [-1, 1])
def test_wrong_degrees_of_freedom_are_detected(shift: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(degrees: int, dim: int, **options: object) -> Tensor:
        return bartlett_factor(degrees + shift, dim, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(sampler, "bartlett_factor", wrong)
    problem = problem_of(5)
    p = pivots(sample_moments(problem, 12, generator(8, "degrees", shift)), problem, 12)
    assert p["marginal"] < LEVEL
    assert p["schur"] < LEVEL


TARGET = f"{sampler.__name__}:sample_moments"
WRONG = (
    (Fault("", TARGET, "white @ problem.root", "white.mT @ problem.root", "factor"),
     "schur"),
    (Fault("", TARGET, "(problem.noise_std / batch_size**0.5)", "(problem.noise_std / "
           "(batch_size - 1) ** 0.5)", "scale"), "noise"),
    (Fault("", TARGET, "(problem.noise_std / batch_size**0.5) * Z",
           "(problem.noise_std / batch_size**0.5) * (white @ Z)",
           "noise that meets the factor twice"), "noise"),
)  # fmt: skip


@pytest.mark.parametrize(("fault", "pivot"), WRONG, ids=lambda value: getattr(value, "why", value))
def test_planted_samplers_are_detected(fault: Fault, pivot: str) -> None:
    """A transposed Bartlett factor, and noise of a wrong scale or factor."""
    problem = problem_of(5)
    with planted(fault):
        batch = sampler.sample_moments(problem, 12, generator(9, "planted"))
    p = pivots(batch, problem, 12)
    assert p[pivot] < LEVEL, p


def test_float32_is_kept_and_bad_input_is_refused() -> None:
    problem = problem_of(4, replicates=2, dtype=torch.float32)
    batch = sample_moments(problem, 9, generator(11, "single"))
    assert batch.cov_x.dtype == batch.cross.dtype == torch.float32
    assert batch.inputs is None
    assert batch.targets is None
    with pytest.raises(ValueError, match="batch_size=0, needs >= 1"):
        sample_moments(problem, 0, generator(11, "none"))
    discrete = problem_of(4, replicates=2, input_law="rademacher")
    with pytest.raises(ValueError, match="input_law='rademacher', needs 'gaussian'"):
        sample_moments(discrete, 9, generator(11, "discrete"))


def test_same_stream_same_bits_and_no_noise_without_noise() -> None:
    problem = problem_of(5, noise_std=0.0)
    one, two = (sample_moments(problem, 12, generator(12, "again")) for _ in range(2))
    assert torch.equal(one.cov_x, two.cov_x)
    tolerance = machine_tolerance(torch.float64, dim=5)
    torch.testing.assert_close(
        one.cross, problem.product_star @ one.cov_x, rtol=tolerance, atol=tolerance
    )
