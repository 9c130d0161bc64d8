"""Spectrum: moments, validation, accuracy of its sums."""

import math
from fractions import Fraction

import numpy as np
import pytest

from theory.core.spectrum import Spectrum


@pytest.mark.parametrize("k", [-2, -1, 0, 1, 2, 3])
def test_moments_of_two_atoms_are_exact_sums(k: int) -> None:
    spectrum = Spectrum([0.25, 4.0], [0.75, 0.25])
    exact = Fraction(3, 4) * Fraction(1, 4) ** k + Fraction(1, 4) * Fraction(4) ** k
    assert spectrum.moment(k) == float(exact)


def test_equal_weights_are_the_default() -> None:
    spectrum = Spectrum(np.array([1.0, 2.0, 6.0]))
    assert spectrum.moment(1) == pytest.approx(3.0, rel=2e-16)
    assert spectrum.condition_number == 6.0


@pytest.mark.parametrize(
    ("eigenvalues", "weights", "message"),
    [
        ([1.0, -0.5], None, r"eigenvalues\[1\]=-0.5"),
        ([1.0, 0.0], None, r"eigenvalues\[1\]=0.0, needs to be finite and > 0"),
        ([math.nan], None, "nan"),
        ([math.inf], None, "inf"),
        ([], None, "shape"),
        ([[1.0, 2.0]], None, "shape"),
        ([1.0, 2.0], [0.5], "shape"),
        ([1.0, 2.0], [0.5, 0.6], "sum to 1.1"),
        ([1.0, 2.0], [1.5, -0.5], r"weights\[1\]=-0.5"),
        ([1.0, 2.0], [math.nan, 0.5], "nan"),
    ],
)
def test_bad_input_names_the_value(eigenvalues: list, weights: list | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Spectrum(eigenvalues, weights)


def test_arguments_are_copied_and_read_only() -> None:
    eigenvalues = np.array([1.0, 2.0])
    spectrum = Spectrum(eigenvalues)
    eigenvalues[0] = 5.0
    assert spectrum.eigenvalues[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        spectrum.eigenvalues[0] = 3.0


def test_sum_over_a_million_equal_atoms_does_not_drift() -> None:
    spectrum = Spectrum(np.full(10**6, 0.3))
    exact = Fraction(0.3) * sum([Fraction(1e-6)]) * 10**6
    assert abs(Fraction(spectrum.moment(1)) / exact - 1) < Fraction(1, 10**14)


def test_families_have_mean_one() -> None:
    assert Spectrum.isotropic().moment(1) == 1.0
    assert Spectrum.two_atom(0.5).moment(2) == 1.25
    geometric = Spectrum.geometric(100.0, 50)
    assert geometric.moment(1) == pytest.approx(1.0, rel=1e-15)
    assert geometric.condition_number == pytest.approx(100.0, rel=1e-13)


def test_non_integer_moment_and_wrong_length_raise() -> None:
    spectrum = Spectrum.two_atom(0.5)
    with pytest.raises(ValueError, match=r"k=0.5"):
        spectrum.moment(0.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="shape"):
        spectrum.expect([1.0])
