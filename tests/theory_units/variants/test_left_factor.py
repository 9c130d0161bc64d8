"""SI-24: strength of the step behind a left factor: limits, known values, refusals."""

import math

import pytest

from theory import Spectrum
from theory.single_index import left_factor_strength

KNOWN = {
    "spectrum": Spectrum.two_atom(0.5),
    "aspect": 1 / 3,
    "c1": 0.6,
    "residual_var": 0.12,
    "c_act": 0.6,
}


def test_a_large_left_damping_divides_the_plain_step() -> None:
    """|beta|^2 = c1^2 m2 + phi m1 E y^2 for SGD."""
    norm = math.sqrt(0.36 * 1.25 + (0.36 + 0.12) / 3)
    found = left_factor_strength(left_damping=1e9, **KNOWN)
    assert found * 1e9 == pytest.approx(0.6 * norm, rel=1e-8)


def test_the_spike_has_the_eigenvalue_of_the_mean_slope() -> None:
    plain = left_factor_strength(left_damping=1e9, **KNOWN) * 1e9
    for mu, power in ((0.1, 1.0), (1.0, 0.48)):
        found = left_factor_strength(left_damping=mu, residual_power=power, **KNOWN)
        assert found == pytest.approx(plain / (mu + 0.36 * power), rel=1e-8)


def test_a_large_right_damping_is_sgd() -> None:
    right = left_factor_strength(left_damping=0.2, damping=1e7, **KNOWN) * 1e7
    assert right == pytest.approx(left_factor_strength(left_damping=0.2, **KNOWN), rel=1e-6)


def test_the_covariance_weighs_the_direction() -> None:
    iso = {**KNOWN, "spectrum": Spectrum.isotropic()}
    plain = left_factor_strength(left_damping=0.2, **iso)
    assert left_factor_strength(left_damping=0.2, weight="covariance", **iso) == pytest.approx(
        plain
    )
    assert left_factor_strength(left_damping=0.2, weight="covariance", **KNOWN) > plain


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"left_damping": 0.0}, "left_damping=0.0"),
        ({"residual_power": -1.0}, "residual_power=-1.0"),
        ({"c_act": 0.0}, "c_act=0.0"),
        ({"damping": -1.0}, "damping=-1.0"),
        ({"weight": "none"}, "weight='none'"),
    ],
)
def test_refusals_name_the_value(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        left_factor_strength(**{**KNOWN, "left_damping": 0.1, **changed})
