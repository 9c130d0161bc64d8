"""Measurements on inputs whose answer is known."""

import math

import pytest
import torch

from lpfl.measure.alignment import (
    alignment,
    centred,
    feature_overlaps,
    orthogonal_powers,
    rank_one_remainder,
    singular_values,
    top_singular,
)
from lpfl.seeding import generator


def normal(*size: int, name: str = "matrix") -> torch.Tensor:
    return torch.randn(size, generator=generator(0, name, *size), dtype=torch.float64)


def test_alignment_of_known_vectors() -> None:
    teacher = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    direction = torch.tensor([[-2.0, 0.0], [0.0, 1.0], [3.0, 4.0]])
    assert alignment(direction, teacher).tolist() == pytest.approx([1.0, 0.0, 9 / 25])
    weight = torch.tensor([16.0, 1.0])
    expected = [1.0, 0.0, 144 / 160]  # (16*3)^2 / (16 * (16*9 + 16))
    for T in (weight, torch.diag(weight)):
        assert alignment(direction, teacher, weight=T).tolist() == pytest.approx(expected)
    with pytest.raises(ValueError, match="needs finite and > 0"):
        alignment(0 * direction, teacher)
    with pytest.raises(ValueError, match="needs finite and > 0"):
        alignment(math.nan * direction, teacher)


@pytest.mark.parametrize("shape", [(3, 9, 4), (3, 4, 9), (3, 5, 5)])
def test_top_singular_triples_are_those_of_the_full_decomposition(
    shape: tuple[int, int, int],
) -> None:
    M = normal(*shape)
    U, s, Vh = torch.linalg.svd(M, full_matrices=False)
    top = top_singular(M, count=2)
    assert torch.allclose(top.values, s[:, :2], rtol=1e-12)
    assert torch.allclose(singular_values(M), s, rtol=1e-12)
    overlap = (top.left * U[:, :, :2]).sum(1) * (top.right * Vh.mT[:, :, :2]).sum(1)
    assert torch.allclose(overlap, torch.ones_like(overlap), rtol=1e-10)
    with pytest.raises(ValueError, match="entries not finite"):
        top_singular(math.nan * M)
    with pytest.raises(ValueError, match="count=6, needs 1 <= count"):
        top_singular(M, count=6)


def test_remainder_of_a_planted_rank_one_part() -> None:
    u, v = normal(2, 6, name="left"), normal(2, 4, name="right")
    rest = torch.zeros(2, 6, 4, dtype=torch.float64)
    rest[:, 0, 0], rest[:, 1, 1] = 3.0, 4.0
    seen = rank_one_remainder(0.5 * u[:, :, None] * v[:, None, :] + rest, u, v, scale=0.5)
    norm = 0.5 * u.norm(dim=1) * v.norm(dim=1)
    assert torch.allclose(seen.operator, 4.0 / norm, rtol=1e-12)
    assert torch.allclose(seen.frobenius, 5.0 / norm, rtol=1e-12)
    with pytest.raises(ValueError, match="needs > 0"):
        rank_one_remainder(rest, u, v, scale=0.0)


def test_orthogonal_powers_are_orthonormal_and_approach_hermite_polynomials() -> None:
    h = 2.5 * normal(2, 100_000, name="index") + 1.0
    powers = orthogonal_powers(h, degree=4)
    gram = powers.mT @ powers
    assert torch.allclose(gram, torch.eye(4, dtype=torch.float64).expand_as(gram), atol=1e-12)
    assert float(powers.sum(1).abs().max()) < 1e-9
    z = (h - h.mean(1, keepdim=True)) / h.std(1, keepdim=True)
    cubic = torch.nn.functional.normalize(z**3 - 3 * z, dim=1)
    # Sampling overlaps with the lower polynomials: E he_3^2 (1 + he_1^2 + he_2^2) / n = 39 / n,
    # a sum of three squared normals, below 30 times its mean at 5.5 standard deviations.
    assert bool(((powers[:, :, 2] * cubic).sum(1) > 1 - 0.5 * 30 * 39 / z.shape[1]).all())
    raw = torch.stack([h**k for k in range(5)], dim=-1)
    span = torch.linalg.qr(raw).Q  # same span as 1, h, .., h^4
    inside = (span.mT @ powers).square().sum(1)
    assert torch.allclose(inside, torch.ones_like(inside), atol=1e-8)
    with pytest.raises(ValueError, match=r"index has spread 0\.0, needs > 0"):
        orthogonal_powers(torch.ones(1, 9), degree=2)
    with pytest.raises(ValueError, match="degree=0, needs 1 <= degree"):
        orthogonal_powers(h, degree=0)


def test_feature_overlaps_find_planted_harmonics() -> None:
    h = normal(2, 300, name="planted")
    powers = orthogonal_powers(h, degree=3)
    F = 9 * powers[:, :, 1:2] * normal(2, 1, 6, name="a") + 1.7
    F = F + 0.5 * powers[:, :, 0:1] * normal(2, 1, 6, name="b")
    left = top_singular(centred(F), count=2).left
    overlaps = feature_overlaps(left, h, degree=3)
    total = overlaps.sum(-1)
    assert torch.allclose(total, torch.ones_like(total), rtol=1e-10)
    assert bool((overlaps[:, 0, 1] > 0.9).all())
    assert float(overlaps[:, :, 2].max()) < 1e-20
