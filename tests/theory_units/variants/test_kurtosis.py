"""LR-42 and LR-44: inputs that are not Gaussian and biases, in the public functions."""

import numpy as np
import pytest
from scipy import stats

from theory.linear_representation import complement_share, inverse_scale, tangent_floor

PROBLEM = {
    "step_size": 0.5,
    "noise_std": 0.1,
    "head_eigenvalues": [1.0, 0.5],
    "schur_eigenvalues": [2.0, 1.0, 0.5],
}


def test_gaussian_rows():
    assert inverse_scale(n=40, d=8) == pytest.approx(40 / 31)
    assert inverse_scale(n=40, d=8, scales=[3.0, 3.0]) == pytest.approx(40 / 31)


@pytest.mark.parametrize(
    ("n", "d", "kurtosis", "simulated"),
    [(48, 8, -2.0, 1.1797), (48, 16, -1.2, 1.5128), (96, 16, 3.0, 1.2510)],
)
def test_components_against_simulations(n, d, kurtosis, simulated):
    assert inverse_scale(n=n, d=d, kurtosis=kurtosis) == pytest.approx(simulated, rel=2e-3)


def test_a_multivariate_t_against_simulations():
    levels = (np.arange(4000) + 0.5) / 4000
    scales = 10.0 / stats.chi2.ppf(levels, 12)
    assert inverse_scale(n=56, d=12, scales=scales) == pytest.approx(1.3708, rel=2e-3)


def test_only_the_ratios_of_scales_matter():
    found = inverse_scale(n=40, d=8, scales=[0.5, 1.0, 2.0])
    assert found == pytest.approx(inverse_scale(n=40, d=8, scales=[5.0, 10.0, 20.0]))
    assert found > inverse_scale(n=40, d=8)


def test_axes_have_the_whole_share():
    assert complement_share(np.eye(4)[:2]) == pytest.approx(1.0)
    assert complement_share([[1.0, 1.0]]) == pytest.approx(0.5)


def test_the_floor_is_proportional_to_the_inverse():
    plain = tangent_floor("kfac", n=30, **PROBLEM)
    heavy = tangent_floor("kfac", n=30, kurtosis=3.0, **PROBLEM)
    ratio = inverse_scale(n=30, d=5, kurtosis=3.0) / inverse_scale(n=30, d=5)
    assert heavy / plain == pytest.approx(ratio)


def test_a_bias_costs_one_row():
    with_bias = tangent_floor("kfac", n=30, bias=True, **PROBLEM)
    plain = tangent_floor("kfac", n=30, **PROBLEM)
    assert with_bias / plain == pytest.approx((30 - 5 - 1) / (30 - 5 - 2))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kurtosis": -2.1}, "kurtosis=-2.1, needs a number in"),
        ({"kurtosis": 1.0, "bias": True}, "needs one of them alone"),
        ({"bias": True, "n": 7}, "n=7, needs an integer >= 8"),
    ],
)
def test_bad_floors_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        tangent_floor("kfac", **{"n": 30, **PROBLEM, **wrong})


def test_other_methods_have_no_such_floor():
    with pytest.raises(ValueError, match="for method 'amgd', needs 'kfac' or 'ngd'"):
        tangent_floor("amgd", n=30, kurtosis=1.0, **PROBLEM)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n": 9}, "n=9, needs an integer >= 10"),
        ({"scales": [1.0, -1.0]}, "scales contains .*, needs finite numbers > 0"),
        ({"scales": [1.0, 2.0], "kurtosis": 1.0}, "one law at a time"),
    ],
)
def test_bad_laws_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        inverse_scale(**{"n": 40, "d": 8, **wrong})


@pytest.mark.parametrize("rows", [np.eye(3), np.ones((2, 4)), np.ones(3)])
def test_bad_subspaces_are_refused(rows):
    with pytest.raises(ValueError, match="representation_star"):
        complement_share(rows)
