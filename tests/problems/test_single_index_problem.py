"""The single-index problem: what is drawn, and what is refused."""

import math

import pytest
import torch
from scipy import stats

from lpfl.linalg import haar
from lpfl.problems.links import Activation, activation_named, link_function, tanh_shifted
from lpfl.problems.single_index import (
    SingleIndexProblem,
    covariance_root,
    draw_problem,
    sample,
    times_covariance,
)
from lpfl.seeding import generator

LEVEL = 1e-7  # of each statistical comparison; seeds are fixed
DIAGONAL = torch.tensor([0.4, 0.8, 1.2, 1.6], dtype=torch.float64)


def dense_covariance() -> torch.Tensor:
    Q = haar(1, 4, generator(0, "rotation"))[0]
    S = (Q * DIAGONAL) @ Q.mT
    return (S + S.mT) / 2


@pytest.mark.parametrize("dense", [False, True])
def test_drawn_teacher_has_unit_power(dense: bool) -> None:
    S = dense_covariance() if dense else DIAGONAL
    problem = draw_problem(S, replicates=5, generator=generator(1, "teacher"))
    power = (problem.teacher * times_covariance(problem.teacher, S)).sum(-1)
    assert torch.allclose(power, torch.ones(5, dtype=torch.float64), rtol=1e-14, atol=0)


@pytest.mark.parametrize("dense", [False, True])
def test_rows_have_the_chi_square_length_of_their_covariance(dense: bool) -> None:
    S = dense_covariance() if dense else DIAGONAL
    stream = generator(2, "rows")
    problem = draw_problem(S, replicates=2, generator=stream)
    X = sample(problem, 4000, generator=stream).inputs
    inverse = torch.linalg.inv(S) if dense else torch.diag(1 / S)
    length = torch.einsum("rni,ij,rnj->rn", X, inverse, X).flatten()
    assert stats.kstest(length.numpy(), "chi2", args=(4,)).pvalue > LEVEL


def test_targets_are_link_plus_noise() -> None:
    stream = generator(3, "targets")
    problem = draw_problem(DIAGONAL, replicates=2, generator=stream, link="he12", noise_std=0.5)
    rows = sample(problem, 4000, generator=stream)
    z = torch.einsum("rnd,rd->rn", rows.inputs, problem.teacher)
    noise = (rows.targets - z - (z**2 - 1) / 2).flatten() / 0.5
    assert stats.kstest(noise.numpy(), "norm").pvalue > LEVEL
    assert stats.kstest(z.flatten().numpy(), "norm").pvalue > LEVEL


def test_noiseless_targets_are_the_link_exactly() -> None:
    stream = generator(4, "noiseless")
    problem = draw_problem(DIAGONAL, replicates=2, generator=stream, link=torch.sin)
    rows = sample(problem, 50, generator=stream)
    z = torch.einsum("rnd,rd->rn", rows.inputs, problem.teacher)
    assert torch.equal(rows.targets, torch.sin(z))


def test_same_seed_same_bits_and_dtype_is_that_of_the_covariance() -> None:
    def draw(dtype: torch.dtype) -> torch.Tensor:
        stream = generator(5, "bits")
        problem = draw_problem(DIAGONAL.to(dtype), replicates=2, generator=stream)
        return sample(problem, 7, generator=stream).inputs

    assert torch.equal(draw(torch.float64), draw(torch.float64))
    assert draw(torch.float32).dtype == torch.float32


@pytest.mark.parametrize(
    ("name", "coefficients"),
    [
        ("identity", (0, 1, 0, 0)),
        ("he2", (0, 0, math.sqrt(2), 0)),
        ("he3", (0, 0, 0, math.sqrt(6))),
        ("he12", (0, 1, math.sqrt(0.5), 0)),
        ("he13", (0, 1, 0, math.sqrt(1.5))),
    ],
)
def test_hermite_links_have_the_stated_normalised_coefficients(
    name: str, coefficients: tuple[float, ...]
) -> None:
    # Gauss-Hermite with 8 nodes is exact for polynomials of degree 15.
    from numpy.polynomial.hermite_e import hermegauss

    nodes, weights = (torch.from_numpy(a) for a in hermegauss(8))
    weights = weights / math.sqrt(2 * math.pi)
    g = link_function(name)(nodes)
    basis = (
        torch.ones_like(nodes),
        nodes,
        (nodes**2 - 1) / math.sqrt(2),
        (nodes**3 - 3 * nodes) / math.sqrt(6),
    )
    for he, expected in zip(basis, coefficients, strict=True):
        assert float((weights * he * g).sum()) == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("name", ["identity", "tanh", "erf", "relu", tanh_shifted(0.7)])
def test_slope_is_the_derivative(name: str | Activation) -> None:
    act = activation_named(name)
    t = torch.linspace(-3, 3, 40, dtype=torch.float64, requires_grad=True)  # no point at 0
    (slope,) = torch.autograd.grad(act.value(t).sum(), t)
    assert torch.allclose(act.slope(t.detach()), slope, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("covariance", "message"),
    [
        (torch.tensor([1.0, -0.5]), "eigenvalue -0.5, needs > 0"),
        (torch.tensor([[1.0, 2.0], [2.0, 1.0]]), "needs > 0"),
        (torch.tensor([[1.0, 0.5], [0.0, 1.0]]), "not symmetric"),
        (torch.tensor([1.0, math.nan]), "not finite"),
        (torch.ones(2, 3), "needs \\(d,\\) or \\(d, d\\)"),
    ],
)
def test_bad_covariance_is_refused(covariance: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        covariance_root(covariance)


def test_bad_problem_is_refused() -> None:
    teacher = torch.ones(1, 4, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"noise_std=-1\.0, needs finite and >= 0"):
        SingleIndexProblem(DIAGONAL, teacher, noise_std=-1.0)
    with pytest.raises(ValueError, match="needs \\(R, 4\\)"):
        SingleIndexProblem(DIAGONAL, teacher[0])
    with pytest.raises(ValueError, match="teacher has 4 of 4 entries not finite"):
        SingleIndexProblem(DIAGONAL, math.nan * teacher)
    with pytest.raises(ValueError, match="link='cosh'"):
        SingleIndexProblem(DIAGONAL, teacher, link="cosh")
    with pytest.raises(ValueError, match="n=0, needs >= 1"):
        sample(SingleIndexProblem(DIAGONAL, teacher), 0, generator=generator(0, "none"))
