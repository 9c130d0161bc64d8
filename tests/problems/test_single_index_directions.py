"""The directions of each method, against dense formulas on rows."""

from functools import partial

import pytest
import torch

from lpfl.linalg import haar
from lpfl.problems.single_index import (
    Sample,
    SingleIndexProblem,
    draw_problem,
    normalised_teacher,
    sample,
)
from lpfl.problems.single_index.directions import (
    centred_direction,
    factor_direction,
    kfac_direction,
    kfac_direction_of_rows,
    population_direction,
    power_directions,
    sgd_direction,
    sign_direction,
)
from lpfl.problems.single_index.moments import (
    compressed_rows,
    moments,
    plain_rows,
    sample_moments,
)
from lpfl.seeding import generator


def covariance(dim: int) -> torch.Tensor:
    Q = haar(1, dim, generator(0, "rotation", dim))[0]
    S = (Q * torch.linspace(0.4, 1.6, dim, dtype=torch.float64)) @ Q.mT
    return (S + S.mT) / 2


@pytest.mark.parametrize("first", [1.0, -1.0, 0.0])
def test_noiseless_linear_targets_give_back_the_teacher(first: float) -> None:
    S = torch.linspace(0.4, 1.6, 5, dtype=torch.float64)
    teacher = torch.tensor([[first, 0.0, 1.0 - abs(first), 0.0, 0.0]], dtype=torch.float64)
    problem = SingleIndexProblem(S, normalised_teacher(teacher, S), link="identity")
    batch = sample_moments(problem, 30, generator=generator(8, "linear"))
    b = kfac_direction(batch, damping=0.0)
    assert torch.allclose(b, problem.teacher, rtol=0, atol=1e-12)


@pytest.mark.parametrize("n", [4, 20])
def test_directions_agree_with_dense_formulas_on_rows(n: int) -> None:
    S = covariance(6)
    stream = generator(9, "dense", n)
    problem = draw_problem(S, replicates=3, generator=stream, link="relu", noise_std=0.2)
    rows = sample(problem, n, generator=stream)
    X, y = rows.inputs, rows.targets
    batch, h = moments(plain_rows(rows)), torch.einsum("rnd,rn->rd", X, y) / n
    Q = X.mT @ X / n
    other = moments(plain_rows(sample(problem, 5, generator=stream)))
    ridge = torch.linalg.inv(Q + 0.3 * torch.eye(6, dtype=torch.float64))
    pairs = {
        "sgd": (sgd_direction(batch), h),
        "sign": (sign_direction(batch), h.sign()),
        "centred": (
            centred_direction(batch),
            torch.einsum("rnd,rn->rd", X, y - y.mean(1, keepdim=True)) / n,
        ),
        "ridge": (kfac_direction(batch, damping=0.3), torch.einsum("rde,re->rd", ridge, h)),
        "ridge rows": (
            kfac_direction_of_rows(plain_rows(rows), damping=0.3),
            torch.einsum("rde,re->rd", ridge, h),
        ),
        "ridgeless": (
            kfac_direction(batch, damping=0.0),
            torch.einsum("rdn,rn->rd", torch.linalg.pinv(X), y),
        ),
        "independent": (
            kfac_direction(batch, damping=0.0, whitening=other),
            torch.einsum("rde,re->rd", torch.linalg.pinv(other.second_moment, rtol=1e-10), h),
        ),
        "population": (population_direction(batch, S), h @ torch.linalg.inv(S)),
    }
    for name, (seen, expected) in pairs.items():
        assert torch.allclose(seen, expected, rtol=1e-9, atol=1e-11), name


def test_compressed_rows_give_the_least_norm_interpolator_too() -> None:
    problem = draw_problem(covariance(8), replicates=3, generator=generator(10, "teacher"))
    rows = compressed_rows(problem, 5, generator=generator(10, "compressed"))
    by_rows = kfac_direction_of_rows(rows, damping=0.0)
    assert torch.allclose(by_rows, kfac_direction(moments(rows), damping=0.0), atol=1e-10)


def test_negative_damping_and_singular_systems_are_refused() -> None:
    problem = draw_problem(covariance(4), replicates=2, generator=generator(11, "teacher"))
    batch = sample_moments(problem, 9, generator=generator(11, "rows"))
    with pytest.raises(ValueError, match=r"damping=-0\.1, needs finite and >= 0"):
        kfac_direction(batch, damping=-0.1)
    singular = moments(plain_rows(sample(problem, 9, generator=generator(11, "rank"))))
    singular.second_moment.zero_()
    with pytest.raises(ValueError, match="needs > 0"):
        kfac_direction(singular, damping=0.0)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 1.7])
@pytest.mark.parametrize("damping", [0.0, 0.3])
def test_powers_of_any_factor(exponent: float, damping: float) -> None:
    stream = generator(0, "powers", str(exponent))
    X = torch.randn((3, 12, 5), generator=stream, dtype=torch.float64)
    y = torch.randn((3, 12), generator=stream, dtype=torch.float64)
    batch = moments(plain_rows(Sample(X, y)))
    diagonal = torch.linspace(0.5, 2.0, 5, dtype=torch.float64)
    for factor in (batch.second_moment, torch.diag(diagonal), diagonal):
        (found,) = power_directions(batch, factor, [exponent], damping=damping)
        dense = torch.diag(factor) if factor.ndim == 1 else factor
        values, vectors = torch.linalg.eigh(dense + damping * torch.eye(5, dtype=torch.float64))
        power = (vectors * values[..., None, :] ** -exponent) @ vectors.mT
        expected = (power @ batch.cross_moment[:, :, None])[..., 0]
        assert torch.allclose(found, expected, rtol=1e-10)
        if exponent == 1.0:
            inverted = factor_direction(batch, factor, damping=damping)
            assert torch.allclose(inverted, expected, rtol=1e-10)


def test_powers_without_damping_are_those_of_the_pseudo_inverse() -> None:
    stream = generator(0, "pseudo")
    X = torch.randn((2, 3, 5), generator=stream, dtype=torch.float64)
    y = torch.randn((2, 3), generator=stream, dtype=torch.float64)
    batch = moments(plain_rows(Sample(X, y)))
    (found,) = power_directions(batch, batch.second_moment, [1.0])
    assert torch.allclose(found, kfac_direction(batch, damping=0.0), rtol=1e-9)


def test_negative_damping_is_refused() -> None:
    X = torch.eye(5, dtype=torch.float64)[None]
    batch = moments(plain_rows(Sample(X, X[:, :, 0])))
    for direction in (factor_direction, partial(power_directions, exponents=[0.5])):
        with pytest.raises(ValueError, match=r"damping=-0\.1"):
            direction(batch, factor=batch.second_moment, damping=-0.1)
