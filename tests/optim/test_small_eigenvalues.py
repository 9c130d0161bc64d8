"""Squares of gradients that are nearly parallel: a small eigenvalue is no zero."""

import numpy as np
import pytest
import torch

from lpfl.linalg.spectral import psd_power
from lpfl.verify.oracles.matrices import power, shaken

EXPONENT = -0.25


def square(share: float) -> np.ndarray:
    """Return a matrix with eigenvalues 1, 0.1 and ``share``."""
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    return (Q * np.array([1.0, 0.1, share])) @ Q.T


@pytest.mark.parametrize("share", [1e-9, 1e-11, 1e-12])
def test_the_oracle_keeps_what_the_optimizer_keeps(share):
    S = square(share)
    found = psd_power(torch.from_numpy(S), EXPONENT).numpy()
    assert np.abs(found).max() > 0.05 * share**EXPONENT
    assert np.abs(found - power(S, EXPONENT)).max() < 1e-15 / share * share**EXPONENT


def test_both_drop_a_zero():
    S = square(0.0)
    found = psd_power(torch.from_numpy(S), EXPONENT).numpy()
    assert np.allclose(found, power(S, EXPONENT), rtol=1e-12, atol=1e-12)


def test_each_size_shakes_by_a_pattern_of_its_own():
    S = np.ones((4, 4))
    signs = [np.sign(shaken(S, 2.0**-n) - S) for n in (26, 42)]
    for pattern in signs:
        assert (pattern == pattern.T).all()
        assert {-1.0, 1.0} == set(pattern.flat)
    assert (signs[0] != signs[1]).any()
