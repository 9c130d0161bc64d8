"""LR-44: the spectrum of a bias with a factor of its own."""

import numpy as np
import pytest

from theory.linear_representation import bias_spectrum

SIZES = {"rank": 2, "input_dim": 5}


def test_centred_inputs_do_not_see_the_bias():
    assert bias_spectrum(step_size=0.3, mean_norm2=0.0, **SIZES) == pytest.approx([0.7] * 12)


def test_a_large_mean_is_learned_slowly():
    found = bias_spectrum(step_size=0.4, mean_norm2=100.0, **SIZES)
    assert found.max() == pytest.approx(1 - 0.4 / 200, rel=1e-4)
    assert np.sum(np.isclose(found, 0.6)) == 2 * 4


def test_the_spectrum_is_that_of_the_block_diagonal_factor():
    rng = np.linspace(-1.0, 2.0, 3)
    cov_x = np.diag([1.0, 2.0, 0.5])
    corner = np.ones((1, 1))
    second = cov_x + np.outer(rng, rng)
    moment = np.block([[second, rng[:, None]], [rng[None], corner]])
    factor = np.block([[second, np.zeros((3, 1))], [np.zeros((1, 3)), corner]])
    wanted = np.sort(np.linalg.eigvals(np.eye(4) - 0.7 * moment @ np.linalg.inv(factor)).real)
    size = float(rng @ np.linalg.solve(cov_x, rng))
    found = bias_spectrum(step_size=0.7, mean_norm2=size, rank=1, input_dim=3)
    assert found == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mean_norm2": -1.0}, "mean_norm2=-1.0, needs a number in"),
        ({"step_size": float("nan")}, "step_size=nan"),
        ({"rank": 0}, "rank=0, needs an integer >= 1"),
    ],
)
def test_bad_arguments_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        bias_spectrum(**{"step_size": 0.3, "mean_norm2": 1.0, **SIZES, **wrong})
