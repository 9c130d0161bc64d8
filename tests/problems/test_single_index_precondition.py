"""Preconditioners of a first-layer gradient, against dense oracles."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lpfl.precondition import (
    adam_first,
    kfac,
    kfac_population,
    newton_schulz,
    polar,
    sgd,
    shampoo_first,
)
from lpfl.seeding import generator

R, N, D = 2, 7, 5


def draw(n: int, *, width: int = N) -> tuple[Tensor, Tensor]:
    """A gradient whose rows lie in the span of the inputs, and the inputs."""
    stream = generator(0, "precondition", n, width)
    X = torch.randn((R, n, D), generator=stream, dtype=torch.float64)
    back = torch.randn((R, width, n), generator=stream, dtype=torch.float64)
    return back @ X / n, X


def close(seen: Tensor, expected: Tensor, tolerance: float = 1e-10) -> bool:
    return float((seen - expected).abs().max()) <= tolerance * float(expected.abs().max())


def symmetric_power(matrix: Tensor, power: float) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values[..., None, :] ** power) @ vectors.mT


@pytest.mark.parametrize("n", [3, 4, 5, 6, 20])
@pytest.mark.parametrize("damping", [1e-3, 0.5, 1e4])
def test_kfac_is_the_dense_inverse(n: int, damping: float) -> None:
    gradient, X = draw(n)
    Q = X.mT @ X / n + damping * torch.eye(D, dtype=torch.float64)
    assert close(kfac(gradient, X, damping=damping), gradient @ torch.linalg.inv(Q))


@pytest.mark.parametrize("n", [3, 6, 20])
def test_undamped_kfac_is_the_pseudo_inverse(n: int) -> None:
    gradient, X = draw(n)
    expected = gradient @ torch.linalg.pinv(X.mT @ X / n, rtol=1e-9, hermitian=True)
    assert close(kfac(gradient, X, damping=0.0), expected, 1e-9)


@pytest.mark.parametrize("n", [3, 20])
def test_whitening_batch_replaces_the_batch(n: int) -> None:
    gradient, _ = draw(9)
    other = draw(n)[1]
    expected = kfac(gradient, other, damping=0.2)
    assert torch.equal(
        kfac(gradient, torch.zeros(R, 9, D), damping=0.2, whitening_inputs=other), expected
    )
    Q = other.mT @ other / n + 0.2 * torch.eye(D, dtype=torch.float64)
    assert close(expected, gradient @ torch.linalg.inv(Q))


def test_undamped_kfac_undoes_a_change_of_input_coordinates() -> None:
    gradient, X = draw(12)
    A = torch.randn((R, D, D), generator=generator(1, "coordinates"), dtype=torch.float64)
    moved = kfac(gradient @ A.mT, X @ A.mT, damping=0.0)
    assert close(moved @ A, kfac(gradient, X, damping=0.0), 1e-9)


def test_population_kfac_dense_and_diagonal_agree_with_the_inverse() -> None:
    gradient, X = draw(9)
    s = torch.linspace(0.5, 1.5, D, dtype=torch.float64)
    assert close(kfac_population(gradient, X, covariance=s), gradient @ torch.diag(1 / s))
    assert close(kfac_population(gradient, X, covariance=torch.diag(s)), gradient / s)


def test_sgd_returns_the_gradient() -> None:
    gradient, X = draw(9)
    assert sgd(gradient, X) is gradient


def test_adam_first_is_the_first_step_of_torch_adam() -> None:
    gradient, X = draw(9)
    weight = torch.nn.Parameter(torch.zeros_like(gradient))
    weight.grad = gradient.clone()
    torch.optim.Adam([weight], lr=1.0, eps=0.03).step()
    assert close(adam_first(gradient, X, epsilon=0.03), -weight.detach())
    signs = adam_first(torch.tensor([[[-2.0, 0.0, 3.0]]]), X)
    assert signs.tolist() == [[[-1.0, 0.0, 1.0]]]


@pytest.mark.parametrize("width", [3, 5, 9])
def test_polar_factor_is_the_nearest_isometry(width: int) -> None:
    gradient, X = draw(9, width=width)
    O = polar(gradient, X)  # noqa: E741 - the usual letter
    small = O @ O.mT if width <= D else O.mT @ O
    assert close(small, torch.eye(min(width, D), dtype=torch.float64).expand_as(small))
    stretch = gradient.mT @ O if width >= D else O @ gradient.mT
    assert close(stretch, stretch.mT)
    assert bool((torch.linalg.eigvalsh(stretch) > 0).all())


def test_polar_factor_of_a_low_rank_gradient_keeps_its_rank() -> None:
    gradient, X = draw(2)
    s = torch.linalg.svdvals(polar(gradient, X))
    assert torch.allclose(s, torch.tensor([1.0, 1, 0, 0, 0], dtype=torch.float64), atol=1e-12)


@pytest.mark.parametrize("width", [3, 9])
def test_shampoo_is_the_product_of_fourth_roots(width: int) -> None:
    gradient, X = draw(9, width=width)
    left = gradient @ gradient.mT + 0.3 * torch.eye(width, dtype=torch.float64)
    right = gradient.mT @ gradient + 0.3 * torch.eye(D, dtype=torch.float64)
    expected = symmetric_power(left, -0.25) @ gradient @ symmetric_power(right, -0.25)
    assert close(shampoo_first(gradient, X, damping=0.3), expected)
    assert torch.equal(shampoo_first(gradient, X), polar(gradient, X))


@pytest.mark.parametrize("width", [3, 9])
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_newton_schulz_maps_singular_values_by_the_iterated_quintic(width: int, steps: int) -> None:
    gradient, X = draw(9, width=width)
    U, s, Vh = torch.linalg.svd(gradient, full_matrices=False)
    s = s / s.square().sum(-1, keepdim=True).sqrt()
    a, b, c = 3.4445, -4.7750, 2.0315
    for _ in range(steps):
        s = a * s + b * s**3 + c * s**5
    expected = (U * s[:, None, :]) @ Vh
    assert close(newton_schulz(gradient, X, steps=steps), expected, 1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g, X: kfac(g, X, damping=-1.0), r"damping=-1\.0, needs finite and >= 0"),
        (lambda g, X: kfac(g, 0 * X, damping=0.0), "needs > 0"),
        (lambda g, X: adam_first(g, X, epsilon=float("nan")), "epsilon=nan"),
        (lambda g, X: shampoo_first(g, X, damping=-1.0), "damping=-1"),
        (lambda g, X: newton_schulz(g, X, steps=0), "steps=0, needs >= 1"),
        (lambda g, X: newton_schulz(float("nan") * g, X), "entries not finite"),
        (lambda g, X: polar(float("nan") * g, X), "entries not finite"),
    ],
)
def test_bad_parameters_are_refused(call: Callable[[Tensor, Tensor], Tensor], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(*draw(9))


@pytest.mark.parametrize("n", [3, 20])
def test_a_given_factor_is_inverted(n: int) -> None:
    gradient, X = draw(n)
    other = draw(9, width=11)[1]
    Q = 0.3 * X.mT @ X / n + 0.7 * other.mT @ other / 9
    inverse = torch.linalg.inv(Q + 0.2 * torch.eye(D, dtype=torch.float64))
    assert close(kfac(gradient, X, damping=0.2, factor=Q), gradient @ inverse)
    assert close(kfac(gradient, X, damping=0.2, factor=Q[0]), gradient @ inverse[0])
    own = X.mT @ X / n
    same = kfac(gradient, X, damping=0.2, factor=own)
    assert close(same, kfac(gradient, X, damping=0.2))


@pytest.mark.parametrize("exponent", [0.5, 0.75, 1.5])
@pytest.mark.parametrize("n", [3, 20])
def test_exponents_are_powers_of_the_damped_factor(n: int, exponent: float) -> None:
    gradient, X = draw(n)
    Q = X.mT @ X / n
    shifted = Q + 0.2 * torch.eye(D, dtype=torch.float64)
    expected = gradient @ symmetric_power(shifted, -exponent)
    assert close(kfac(gradient, X, damping=0.2, exponent=exponent), expected)
    twice = kfac(gradient, X, damping=0.2, exponent=exponent / 2)
    again = kfac(twice, X, damping=0.2, exponent=exponent / 2)
    assert close(again, expected)


@pytest.mark.parametrize("exponent", [0.0, -1.0, float("nan"), float("inf")])
def test_exponents_are_positive(exponent: float) -> None:
    gradient, X = draw(9)
    with pytest.raises(ValueError, match=f"exponent={exponent}, needs finite and > 0"):
        kfac(gradient, X, damping=0.2, exponent=exponent)


def test_one_source_of_the_factor() -> None:
    gradient, X = draw(9)
    with pytest.raises(ValueError, match="needs one of them"):
        kfac(gradient, X, damping=0.2, factor=X.mT @ X, whitening_inputs=X)
