"""Linear algebra: conventions, geometry of subspaces, guards."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lpfl import linalg
from lpfl.seeding import generator

EPS = torch.finfo(torch.float64).eps


def gaussian(*shape: int, name: str = "linalg") -> torch.Tensor:
    return torch.randn(*shape, generator=generator(1, name, *shape), dtype=torch.float64)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5), st.integers(1, 5))
def test_vec_and_kron_convention(a, b, c, d):
    """vec(A X B) = (B' (x) A) vec(X), with leading axes."""
    A, X, B = gaussian(2, a, b), gaussian(2, b, c), gaussian(2, c, d)
    left = linalg.vec(A @ X @ B)
    right = (linalg.kron(B.mT, A) @ linalg.vec(X).unsqueeze(-1)).squeeze(-1)
    assert torch.allclose(left, right, rtol=0, atol=1e3 * EPS)
    assert torch.equal(linalg.unvec(linalg.vec(X), b), X)


def test_haar_is_orthogonal_and_has_no_preferred_sign():
    Q = linalg.haar(2000, 3, generator(0, "haar"))
    eye = torch.eye(3, dtype=Q.dtype)
    assert torch.allclose(Q @ Q.mT, eye.expand_as(Q), atol=100 * EPS)
    # Each entry has mean 0 and variance 1/3; 6 standard errors of the mean of 2000 draws.
    assert float(Q.mean(0).abs().max()) < 6 * math.sqrt(1 / 3 / 2000)


@given(st.floats(0.01, 10.0), st.integers(1, 4), st.integers(5, 9))
def test_distance_is_the_sine_and_tangents_the_tangents(tangent, k, d):
    G_star = linalg.haar(1, d, generator(0, "frame", d))[:, :k]
    B = linalg.complement_rows(G_star)
    T = torch.zeros(1, k, d - k, dtype=torch.float64)
    T[0, 0, 0] = tangent
    G = gaussian(1, k, k) @ (G_star + T @ B)
    scale = (1 + tangent) ** 2 * float(torch.linalg.cond(G @ G_star.mT)) * 1e3 * EPS
    assert math.isclose(
        float(linalg.subspace_distance(G, G_star)), math.sin(math.atan(tangent)), abs_tol=scale
    )
    measured = linalg.principal_tangents(G, G_star)[0]
    assert math.isclose(float(measured[0]), tangent, abs_tol=scale)
    assert float(measured[1:].abs().max()) < scale if len(measured) > 1 else True


def test_orthonormal_rows_keep_span_and_orientation():
    G = gaussian(4, 3, 7)
    Q = linalg.orthonormal_rows(G)
    assert torch.allclose(Q @ Q.mT, torch.eye(3, dtype=Q.dtype).expand(4, 3, 3), atol=100 * EPS)
    assert torch.allclose(G @ Q.mT @ Q, G, atol=1e3 * EPS)
    assert torch.allclose(linalg.orthonormal_rows(Q), Q, atol=100 * EPS)


def test_right_solve():
    S = gaussian(2, 5, 5)
    S = S @ S.mT + torch.eye(5, dtype=S.dtype)
    A = gaussian(2, 3, 5)
    assert torch.allclose(linalg.right_solve(A, S) @ S, A, atol=1e4 * EPS)


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        ([[1.0, 2.0], [0.0, 1.0]], "not symmetric: .*needs <="),
        ([[1.0, 0.0], [0.0, -1.0]], "smallest eigenvalue -1, needs > 0"),
        ([[1.0, 0.0], [0.0, 0.0]], "needs > 0"),
        ([[1.0, math.nan], [math.nan, 1.0]], "2 of 4 entries not finite"),
        ([[1.0, 2.0]], "needs a square matrix"),
    ],
)
def test_positive_definite_guard(matrix, words):
    with pytest.raises(ValueError, match=words):
        linalg.require_positive_definite("cov_x", torch.tensor(matrix, dtype=torch.float64))


def test_machine_tolerance_scales_with_epsilon():
    wide = linalg.machine_tolerance(torch.float32, dim=4)
    assert math.isclose(wide / linalg.machine_tolerance(torch.float64, dim=4), 2.0**29)
    with pytest.raises(ValueError, match=r"condition=0\.5"):
        linalg.machine_tolerance(torch.float64, dim=4, condition=0.5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(
    "shape",
    [
        *((70, 64), (2, 70, 64), (70, 3), (0, 70, 64), (0, 64)),
        *((400, 97), (2, 400, 96), (390, 97)),  # by halves, and rows that are not many
        *((70, 512), (3, 2, 9, 520)),  # by BLAS
    ],
)
def test_gram_is_the_plain_product(shape, dtype):
    rows = gaussian(*shape).to(dtype)
    found = linalg.gram(rows)
    plain = rows.mT @ rows
    assert found.dtype == dtype
    assert found.shape == plain.shape
    rounding = 100 * float(torch.finfo(dtype).eps) * 9
    assert torch.allclose(found, plain, rtol=0, atol=rounding)
    # not to the last bit: on some processors X'X itself is not
    assert torch.allclose(found, found.mT, rtol=0, atol=rounding)
    strided = gaussian(*shape[:-2], shape[-1], shape[-2]).to(dtype).mT  # columns lie together
    assert torch.allclose(linalg.gram(strided), strided.mT @ strided, rtol=1e-5, atol=1e-4)


def test_gram_keeps_the_gradient():
    rows = gaussian(400, 97).requires_grad_()
    (slope,) = torch.autograd.grad(linalg.gram(rows).trace(), rows)
    assert torch.allclose(slope, 2 * rows)
