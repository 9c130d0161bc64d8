"""Spectra and floors with momentum: limits, the state-space form, refusals."""

import numpy as np
import pytest

from theory.linear_representation import momentum_floor, momentum_spectrum
from theory.linear_representation.rates.momentum import KINDS

CASES = [(0.3, 0.5), (1.0, 0.9), (1.2, 0.3)]


def state_space(kind: str, eta: float, b: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the map of (T, velocity) and what a unit of gradient noise adds to them."""
    if kind == "heavy_ball":
        return np.array([[1 - eta, -eta * b], [1, b]]), np.array([-eta, 1.0])
    if kind == "averaged":
        share = 1 - b
        return (
            np.array([[1 - eta * share, -eta * b], [share, b]]),
            np.array([-eta * share, share]),
        )
    return np.array([[1 - eta * (1 + b), -eta * b * b], [1, b]]), np.array([-eta * (1 + b), 1.0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("eta", "b"), CASES)
def test_both_are_those_of_the_state_space(kind: str, eta: float, b: float) -> None:
    A, noise = state_space(kind, eta, b)
    covariance = np.linalg.solve(np.eye(4) - np.kron(A, A), np.outer(noise, noise).ravel())
    assert momentum_floor(kind, step_size=eta, momentum=b) == pytest.approx(covariance[0])
    moduli = np.sort(np.abs(np.linalg.eigvals(A)))[::-1]
    found = np.abs(momentum_spectrum(kind, step_size=eta, momentum=b))
    assert found == pytest.approx(moduli, abs=1e-7)  # a double root is known to half the digits


@pytest.mark.parametrize("kind", KINDS)
def test_without_momentum_all_three_are_plain(kind: str) -> None:
    spectrum = momentum_spectrum(kind, step_size=0.3, momentum=0.0, h=2.0)
    assert spectrum == pytest.approx([0.4, 0.0])
    assert momentum_floor(kind, step_size=0.3, momentum=0.0) == pytest.approx(0.3 / 1.7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "polyak"}, "kind='polyak', needs one of"),
        ({"momentum": 1.0}, r"momentum=1.0, needs a number in \[0.0, 1.0\)"),
        ({"step_size": 0.0}, r"step_size=0.0, needs a number in \(0.0"),
        ({"step_size": 1.6}, r"step_size=1.6, needs a number in \[-inf, 1.5\)"),
    ],
)
def test_bad_arguments_are_refused(change: dict, message: str) -> None:
    arguments = {"kind": "nesterov", "step_size": 0.3, "momentum": 0.5, **change}
    with pytest.raises(ValueError, match=message):
        momentum_floor(arguments.pop("kind"), **arguments)


def test_a_curvature_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"h=0\.0, needs"):
        momentum_spectrum("averaged", step_size=0.3, momentum=0.5, h=0)


def test_many_modes_at_once_are_the_modes_one_by_one() -> None:
    h = np.array([[0.5, 1.0], [2.0, 7.0]])
    found = momentum_spectrum("nesterov", step_size=0.2, momentum=0.6, h=h)
    assert found.shape == (2, 2, 2)
    for index in np.ndindex(h.shape):
        one = momentum_spectrum("nesterov", step_size=0.2, momentum=0.6, h=h[index])
        assert found[index] == pytest.approx(one)
