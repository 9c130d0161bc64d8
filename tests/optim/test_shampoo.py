"""Shampoo and SOAP against dense matrix functions and a plain implementation; spectral tools."""

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from lpfl.linalg import haar, machine_tolerance
from lpfl.linalg.spectral import newton_schulz, polar_factor, psd_power
from lpfl.optim.shampoo import shampoo_step
from lpfl.optim.soap import soap_start, soap_step
from lpfl.seeding import generator
from tests.optim.cases import gradient_sequence, relative

# square gradients with singular values in [1/2, 1]: every statistic has condition number <= 4
TOLERANCE = machine_tolerance(torch.float64, dim=4, condition=4.0)
GRADIENTS = gradient_sequence(4, 4)
START = gradient_sequence(4, 4, 7)[-1]


def dense_power(S: np.ndarray, exponent: float) -> np.ndarray:
    return np.real(scipy.linalg.fractional_matrix_power(S, exponent))


@pytest.mark.parametrize("exponent", [0.25, 0.5])
@pytest.mark.parametrize("statistics", ["sum", "average"])
def test_shampoo_is_left_root_gradient_right_root(exponent: float, statistics: str) -> None:
    decay = 1.0 if statistics == "sum" else 0.8
    W, state = START, None
    expected = START.numpy()
    L, R, weight = np.zeros((4, 4)), np.zeros((4, 4)), 0.0
    for grad in GRADIENTS:
        W, state = shampoo_step(
            W,
            grad,
            state,
            step_size=0.1,
            exponent=exponent,
            statistics=statistics,
            averaging=0.8,
            epsilon=1e-3,
        )
        g = grad.numpy()
        L, R, weight = decay * L + g @ g.T, decay * R + g.T @ g, decay * weight + 1.0
        norm = 1.0 if statistics == "sum" else weight
        left = dense_power(L / norm + 1e-3 * np.eye(4), -exponent)
        right = dense_power(R / norm + 1e-3 * np.eye(4), -exponent)
        expected = expected - 0.1 * left @ g @ right
        assert relative(W, torch.from_numpy(expected)) < TOLERANCE


def test_memoryless_shampoo_is_the_polar_step() -> None:
    for grad in (*GRADIENTS, gradient_sequence(2, 5)[0]):
        W, _ = shampoo_step(
            torch.zeros_like(grad), grad, None, step_size=1.0, statistics="average", averaging=0.0
        )
        assert relative(-W, polar_factor(grad)) < TOLERANCE


def plain_soap(
    W: Tensor, gradients: list[Tensor], frequency: int, warmup: int, bases: str
) -> Tensor:
    """SOAP for one matrix in numpy, entry by entry, with the update written as in the paper."""
    lr, beta1, beta2, beta3, epsilon = 0.05, 0.9, 0.8, 0.7, 1e-6
    w = W.numpy().copy()
    a, b = w.shape
    L, R = np.zeros((a, a)), np.zeros((b, b))
    M, V = np.zeros((a, b)), np.zeros((a, b))
    QL, QR = np.eye(a), np.eye(b)
    t = 0
    for number, tensor in enumerate(gradients, start=1):
        g = tensor.numpy()
        if number > warmup:
            t += 1
            projected = QL.T @ g @ QR
            M = beta1 * M + (1 - beta1) * g
            mean = QL.T @ M @ QR
            N = np.zeros((a, b))
            for i in range(a):
                for j in range(b):
                    V[i, j] = beta2 * V[i, j] + (1 - beta2) * projected[i, j] ** 2
                    root = np.sqrt(V[i, j] / (1 - beta2**t))
                    N[i, j] = mean[i, j] / (1 - beta1**t) / (root + epsilon)
            w = w - lr * QL @ N @ QR.T
        L, R = beta3 * L + (1 - beta3) * g @ g.T, beta3 * R + (1 - beta3) * g.T @ g
        if number >= warmup and t % frequency == 0:
            if t == 0 or bases == "exact":
                QL, QR = (np.linalg.eigh(S)[1][:, ::-1] for S in (L, R))
                continue
            left, right = (np.argsort(-np.sum(Q * (S @ Q), 0)) for S, Q in ((L, QL), (R, QR)))
            V = V[left][:, right]
            QL, QR = np.linalg.qr((L @ QL)[:, left])[0], np.linalg.qr((R @ QR)[:, right])[0]
    return torch.from_numpy(w)


@pytest.mark.parametrize("bases", ["iterated", "exact"])
@pytest.mark.parametrize(("frequency", "warmup"), [(1, 1), (2, 1), (1, 3)])
def test_soap_is_the_plain_one(frequency: int, warmup: int, bases: str) -> None:
    gradients = gradient_sequence(4, 4, 9)
    W, state = START, soap_start(START)
    for grad in gradients:
        W, state = soap_step(
            W,
            grad,
            state,
            step_size=0.05,
            beta1=0.9,
            beta2=0.8,
            averaging=0.7,
            epsilon=1e-6,
            frequency=frequency,
            warmup=warmup,
            bases=bases,
        )
    # eigenvectors move by eps |S| / gap; the statistics here have gaps above |S| / 1000
    tolerance = machine_tolerance(torch.float64, dim=4, condition=1e3)
    expected = plain_soap(START, gradients, frequency, warmup, bases)
    assert relative(W - START, expected - START) < tolerance


def test_soap_waits_for_its_warm_up() -> None:
    W, state = soap_step(START, GRADIENTS[0], soap_start(START), step_size=0.1, warmup=2)
    assert torch.equal(W, START)
    W, state = soap_step(W, GRADIENTS[1], state, step_size=0.1, warmup=2)
    assert torch.equal(W, START)
    W, state = soap_step(W, GRADIENTS[2], state, step_size=0.1, warmup=2)
    assert not torch.equal(W, START)


@pytest.mark.parametrize("shape", [(2, 5), (5, 2), (4, 4)], ids=str)
def test_polar_factor_is_the_nearest_isometry(shape: tuple[int, int]) -> None:
    for matrix in gradient_sequence(*shape):
        U, _ = scipy.linalg.polar(matrix.numpy(), side="left" if shape[0] < shape[1] else "right")
        assert relative(polar_factor(matrix), torch.from_numpy(U)) < TOLERANCE


def test_polar_factor_drops_what_is_only_rounding() -> None:
    row = torch.tensor([[1.0, 2.0, 2.0]], dtype=torch.float64)
    rank_one = torch.tensor([[3.0], [4.0]], dtype=torch.float64) @ row
    assert relative(polar_factor(rank_one), rank_one / 15) < TOLERANCE
    assert torch.equal(polar_factor(torch.zeros(2, 3)), torch.zeros(2, 3))
    assert torch.equal(newton_schulz(torch.zeros(2, 3)), torch.zeros(2, 3))


def test_newton_schulz_maps_singular_values_by_the_quintic() -> None:
    a, b, c = 3.4445, -4.7750, 2.0315
    for matrix in gradient_sequence(3, 5):
        U, s, Vh = torch.linalg.svd(matrix, full_matrices=False)
        x = s / s.norm()
        for _ in range(3):
            x = a * x + b * x**3 + c * x**5
        tolerance = machine_tolerance(torch.float64, dim=5, condition=a**3)
        assert relative(newton_schulz(matrix, steps=3), (U * x) @ Vh) < tolerance


@pytest.mark.parametrize("exponent", [-0.25, -0.5, -1.0, 0.5])
def test_psd_power_is_the_dense_one_and_skips_the_null_space(exponent: float) -> None:
    Q = haar(1, 4, generator(3, "basis"))[0]
    values = torch.tensor([0.5, 1.0, 2.0, 4.0], dtype=torch.float64)
    full = (Q * values) @ Q.T
    expected = torch.from_numpy(dense_power(full.numpy() + 0.1 * np.eye(4), exponent))
    tolerance = machine_tolerance(torch.float64, dim=4, condition=8.0)
    assert relative(psd_power(full, exponent, epsilon=0.1), expected) < tolerance
    thin, kept = Q[:, 1:], values[1:]
    flat = (thin * kept) @ thin.T
    assert relative(psd_power(flat, exponent), (thin * kept**exponent) @ thin.T) < tolerance


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"epsilon=-1\.0, needs finite and >= 0"):
        psd_power(torch.eye(2), -0.5, epsilon=-1.0)
    with pytest.raises(ValueError, match="steps=0, needs >= 1"):
        newton_schulz(torch.eye(2), steps=0)
