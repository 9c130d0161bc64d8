"""The sampler of sufficient statistics has the law of the statistics of rows.

Three witnesses: exact pivots of the normal law, exact means, and a two-sample comparison with
rows. The planted samplers at the end show that the pivots see one wrong degree of freedom.
"""

from collections.abc import Callable

import pytest
import torch
from scipy import stats
from torch import Tensor

from lpfl.linalg import haar
from lpfl.problems.single_index import (
    SingleIndexProblem,
    draw_problem,
    normalised_teacher,
    sample,
    times_covariance,
)
from lpfl.problems.single_index import moments as single_index_moments
from lpfl.problems.single_index.directions import centred_direction, kfac_direction
from lpfl.problems.single_index.moments import (
    Moments,
    bartlett_factor,
    moments,
    plain_rows,
    sample_moments,
    sample_second_moment,
)
from lpfl.seeding import generator

LEVEL = 1e-7
REPLICATES = 10_000
SIZES = [(3, 6), (6, 6), (7, 6), (9, 6), (40, 6)]  # (n, d) on both sides of n - 3 = d - 1
COMMON = {"link": "he12", "noise_std": 0.3}


def covariance(dim: int, *, dense: bool = True) -> Tensor:
    s = torch.linspace(0.4, 1.6, dim, dtype=torch.float64)
    if not dense:
        return s
    Q = haar(1, dim, generator(0, "rotation", dim))[0]
    S = (Q * s) @ Q.mT
    return (S + S.mT) / 2


def problem_of(dim: int, name: str, *, dense: bool = True, **options: object) -> SingleIndexProblem:
    return draw_problem(
        covariance(dim, dense=dense),
        replicates=REPLICATES,
        generator=generator(1, name),
        **{**COMMON, **options},  # type: ignore[arg-type]
    )


def quadratic(Q: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.einsum("rd,rde,re->r", a, Q, b)


def no_signal(z: Tensor) -> Tensor:
    return torch.zeros_like(z)


def chi_square_pivots(batch: Moments, problem: SingleIndexProblem) -> dict[str, float]:
    """p-values of the marginal and the Schur-complement pivots of ``n X^T X / n``."""
    S, n, d = problem.covariance, batch.n, problem.dim
    inverse = torch.linalg.inv(S)
    across = torch.ones_like(problem.teacher)
    p: dict[str, float] = {}
    for name, a in (("teacher", problem.teacher), ("ones", across)):
        marginal = n * quadratic(batch.second_moment, a, a) / (a * times_covariance(a, S)).sum(-1)
        p[f"marginal {name}"] = stats.kstest(marginal.numpy(), "chi2", args=(n,)).pvalue
        if n >= d:
            schur = n * (a * (a @ inverse)).sum(-1) / (a * _solved(batch, a)).sum(-1)
            p[f"schur {name}"] = stats.kstest(schur.numpy(), "chi2", args=(n - d + 1,)).pvalue
    return p


def _solved(batch: Moments, a: Tensor) -> Tensor:
    return torch.linalg.solve(batch.second_moment, a[..., None])[..., 0]


@pytest.mark.parametrize(("n", "d"), SIZES)
def test_second_moment_is_wishart(n: int, d: int) -> None:
    problem = problem_of(d, "wishart")
    batch = sample_moments(problem, n, generator=generator(2, "wishart", n))
    p = chi_square_pivots(batch, problem)
    assert min(p.values()) > LEVEL, p


def test_explained_share_of_pure_noise_and_of_ones_is_beta() -> None:
    n, d = 14, 6
    problem = problem_of(d, "beta", link=no_signal, noise_std=1.0)
    batch = sample_moments(problem, n, generator=generator(3, "beta"))
    law = ("beta", (d / 2, (n - d) / 2))
    h, mean = batch.cross_moment, batch.input_mean
    share = (h * _solved(batch, h)).sum(-1) / batch.target_power
    assert stats.kstest(share.numpy(), *law).pvalue > LEVEL
    assert stats.kstest((mean * _solved(batch, mean)).sum(-1).numpy(), *law).pvalue > LEVEL


def test_least_norm_interpolator_of_pure_noise_is_inverse_chi_square() -> None:
    n, d = 5, 9
    problem = draw_problem(
        torch.ones(d, dtype=torch.float64),
        replicates=REPLICATES,
        generator=generator(4, "noise"),
        link=no_signal,
        noise_std=1.0,
    )
    batch = sample_moments(problem, n, generator=generator(4, "interpolator"))
    b = kfac_direction(batch, damping=0.0)
    pivot = n * batch.target_power / b.square().sum(-1)
    assert stats.kstest(pivot.numpy(), "chi2", args=(d - n + 1,)).pvalue > LEVEL


STATISTICS: dict[str, Callable[[Moments, SingleIndexProblem], Tensor]] = {
    "trace": lambda m, p: m.second_moment.diagonal(dim1=1, dim2=2).sum(-1),
    "square": lambda m, p: m.second_moment.square().sum((1, 2)),
    "entry": lambda m, p: m.second_moment[:, 0, -1],
    "signal": lambda m, p: (m.cross_moment * p.teacher).sum(-1),
    "cross": lambda m, p: m.cross_moment.square().sum(-1),
    "cross entry": lambda m, p: m.cross_moment[:, 1],
    "curvature": lambda m, p: quadratic(m.second_moment, m.cross_moment, m.cross_moment),
    "power": lambda m, p: m.target_power,
    "mean": lambda m, p: (m.input_mean * m.cross_moment).sum(-1),
    "centred": lambda m, p: centred_direction(m).square().sum(-1),
    "ridge": lambda m, p: (kfac_direction(m, damping=0.3) * p.teacher).sum(-1),
    "ridge norm": lambda m, p: kfac_direction(m, damping=0.3).square().sum(-1),
}


@pytest.mark.parametrize(("n", "d"), SIZES)
@pytest.mark.parametrize("dense", [False, True])
def test_same_law_as_rows(n: int, d: int, dense: bool) -> None:
    problem = problem_of(d, "rows", dense=dense)
    drawn = sample_moments(problem, n, generator=generator(5, "moments", n, int(dense)))
    rows = sample(problem, n, generator=generator(5, "rows", n, int(dense)))
    seen = moments(plain_rows(rows))
    p = {
        name: stats.ks_2samp(f(drawn, problem).numpy(), f(seen, problem).numpy()).pvalue
        for name, f in STATISTICS.items()
    }
    assert min(p.values()) > LEVEL, p


def test_exact_means() -> None:
    # y = z + (z^2-1)/2 + 0.3 xi: E y z = 1, E y^2 = 1.59, E y^2 z^2 = 5.59, E y z^2 = 1.
    n, d = 12, 6
    S = covariance(d)
    teacher = normalised_teacher(torch.ones(1, d, dtype=torch.float64), S).expand(40_000, d)
    problem = SingleIndexProblem(S, teacher, **COMMON)  # type: ignore[arg-type]
    batch = sample_moments(problem, n, generator=generator(6, "means"))
    image = teacher[0] @ S
    trace, square, image2 = S.trace(), (S @ S).trace(), image @ image
    expected = {
        "trace": trace,
        "square": (1 + 1 / n) * square + trace**2 / n,
        "signal": torch.tensor(1.0),
        "power": torch.tensor(1.59),
        "cross": (1 - 1 / n) * image2 + (5.59 * image2 + 1.59 * (trace - image2)) / n,
        "mean": image2 / n,
    }
    for name, value in expected.items():
        seen = STATISTICS[name](batch, problem)
        z = (seen.mean() - value) / (seen.std() / len(seen) ** 0.5)
        assert 2 * stats.norm.sf(abs(float(z))) > LEVEL, (name, float(seen.mean()), float(value))
    gap = (batch.cross_moment.mean(0) - image) / (batch.cross_moment.std(0) / 200)
    assert 2 * stats.norm.sf(float(gap.abs().max())) > LEVEL


@pytest.mark.parametrize("shift", [-1, 1, 3])
def test_planted_degrees_of_freedom_are_detected(
    shift: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def planted(degrees: int, dim: int, **options: object) -> Tensor:
        return bartlett_factor(degrees + shift, dim, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(single_index_moments, "bartlett_factor", planted)
    problem = problem_of(6, "planted")
    batch = sample_moments(problem, 14, generator=generator(7, "planted", shift))
    p = chi_square_pivots(batch, problem)
    assert p["schur ones"] < LEVEL
    assert p["marginal ones"] < LEVEL


def test_float32_is_kept_and_bad_sizes_are_refused() -> None:
    S = torch.ones(4, dtype=torch.float32)
    problem = draw_problem(S, replicates=2, generator=generator(11, "single"))
    batch = sample_moments(problem, 9, generator=generator(11, "single rows"))
    assert batch.second_moment.dtype == batch.cross_moment.dtype == torch.float32
    with pytest.raises(ValueError, match="n=2, needs >= 3"):
        sample_moments(problem, 2, generator=generator(11, "short"))
    with pytest.raises(ValueError, match="degrees=-1, needs >= 0"):
        bartlett_factor(-1, 3, replicates=1, generator=generator(11, "degrees"))


@pytest.mark.parametrize("n", [3, 14])
def test_second_moments_without_labels_are_wishart(n: int) -> None:
    """Mean Sigma, and the variance (S_ij^2 + S_ii S_jj)/n of every entry, also for n < d."""
    problem = problem_of(6, "unlabelled")
    problem = SingleIndexProblem(problem.covariance, problem.teacher.repeat(4000, 1)[:4000])
    seen = sample_second_moment(problem, n, generator=generator(12, "unlabelled", n))
    S = problem.covariance if problem.covariance.ndim == 2 else torch.diag(problem.covariance)
    variance = (S.square() + S.diagonal()[:, None] * S.diagonal()) / n
    z = (seen.mean(0) - S) / (variance / len(seen)).sqrt()
    assert 2 * stats.norm.sf(float(z.abs().max())) * 36 > LEVEL
    assert torch.linalg.matrix_rank(seen[0]) == min(n, 6)
    spread = (seen.var(0) / variance - 1).abs()
    assert float(spread.max()) < 8 * (3 / len(seen)) ** 0.5 * 2
    with pytest.raises(ValueError, match="n=0, needs >= 1"):
        sample_second_moment(problem, 0, generator=generator(12, "none"))
