"""Closed floors of gradient steps against the recursion that they solve, and where they end."""

import numpy as np
import pytest

from theory.linear_representation import tangent_floor
from theory.linear_representation.noise_floors.floor_amgd import stationary_variance
from theory.linear_representation.variants.steps.gradient_floor import LR_32

SIZES = {"n": 9, "k": 2, "d": 5}
SCHUR = np.array([1.3, 0.7, 0.2])


def values(eta: float, eigenvalues: np.ndarray, letter: str) -> dict[str, object]:
    return {"eta": eta, "sigma": 0.3, "lambda_i": 0.8, letter: np.diag(eigenvalues)}


@pytest.mark.parametrize("eta", [0.01, 0.3, 0.9])
def test_the_closed_floor_solves_the_recursion(eta: float) -> None:
    closed = LR_32["floor"].matrix(values(eta, SCHUR, "Sigma_s"), sizes=SIZES)
    solved = stationary_variance(0.8, SCHUR, step_size=eta, noise_std=0.3, n=9, rank=2)
    assert float(closed) == pytest.approx(solved, rel=1e-12)


def test_the_gain_is_one_where_the_recursion_grows() -> None:
    def gain(eta: float) -> float:
        known = values(eta, SCHUR, "Sigma_s")
        del known["sigma"]
        return float(LR_32["gain"].matrix(known, sizes=SIZES))

    low, high = 0.1, 1.9
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if gain(middle) < 1.0 else (low, middle)
    stationary_variance(0.8, SCHUR, step_size=low - 1e-6, noise_std=0.3, n=9, rank=2)
    with pytest.raises(ValueError, match="needs < 1"):
        stationary_variance(0.8, SCHUR, step_size=high + 1e-6, noise_std=0.3, n=9, rank=2)


@pytest.mark.parametrize("eta", [1e-6, 0.3])
def test_many_eigenvalues_are_summed(eta: float) -> None:
    schurs = np.linspace(0.1, 1.0, 1000)
    floor = tangent_floor(
        "amgd",
        step_size=eta,
        noise_std=0.3,
        n=2000,
        head_eigenvalues=[1.0],
        schur_eigenvalues=schurs,
    )
    large = eta * 0.3**2 / 2000 * (1.0 / (2.0 - eta * schurs)).sum()
    assert floor == pytest.approx(large, rel=0.2)
    assert floor > large


def test_a_frozen_head_is_a_rank_of_zero() -> None:
    """G - G* moves as T would with no head to fit: all n degrees of freedom, all d directions."""
    eigenvalues = np.array([1.0, 0.6, 0.5, 0.3, 0.2])
    frozen = LR_32["frozen_head_floor"].matrix(values(0.4, eigenvalues, "Sigma"), sizes=SIZES)
    solved = stationary_variance(0.8, eigenvalues, step_size=0.4, noise_std=0.3, n=9, rank=0)
    assert float(frozen) == pytest.approx(solved, rel=1e-12)
