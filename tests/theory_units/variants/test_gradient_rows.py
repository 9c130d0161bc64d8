"""Averaged AMGD and falling step sizes: recursions, the limit of the bound, the table of powers."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from theory.linear_representation.variants.steps.samples import LR_40

Array = NDArray[np.float64]
HARD = np.outer(np.geomspace(1.0, 0.01, 3), np.geomspace(1.0, 0.01, 20)).ravel()


@pytest.mark.parametrize("steps", [1, 2, 7, 100])
def test_the_averaged_entry_is_that_of_the_recursion(steps: int) -> None:
    eta, lam, mu, n, k, sigma = 0.3, 0.8, 0.5, 40, 2, 0.1
    rate = eta * lam * mu * (n - k) / n
    weights = (1 - (1 - rate) ** np.arange(1, steps + 1)) / rate / steps
    noise = eta**2 * sigma**2 * lam * mu * (n - k) / n**2
    found = LR_40["averaged_gradient"].number(
        step_size=eta, head_eigenvalue=lam, schur_eigenvalue=mu, batch_size=n, rank=k,
        noise_std=sigma, num_steps=steps,
    )  # fmt: skip
    # 1/lam and 1/mu belong to the units of an entry along eigenvectors
    assert found == pytest.approx(noise * float((weights**2).sum()), rel=1e-10)


def falling(power: float, constant: float, delay: float, steps: int, h: Array) -> Array:
    return np.asarray(
        LR_40["falling"].number(
            head_eigenvalue=1.0, schur_eigenvalue=h, batch_size=1, noise_std=1.0, num_steps=steps,
            falling_constant=constant, delay=delay, preconditioning_power=power,
        )
    )  # fmt: skip


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_falling_steps_against_the_recursion(power: float) -> None:
    h, steps = np.array([1.0, 0.5, 0.2]), 4000
    rates = h ** (1 - power)
    constant, error = 1.0 / float(rates.min()), np.zeros(3)
    delay = 40.0 * constant
    for s in range(1, steps + 1):
        eta = constant / (s + delay)
        error = (1 - eta * rates) ** 2 * error + eta**2 * h ** (1 - 2 * power)
    found = falling(power, constant, delay, steps, h)
    assert found == pytest.approx(error, rel=0.03)


def best_ratio(power: float) -> float:
    """Return N E|T|^2 over the bound for the best constant, after many steps."""
    steps, delay = 10**12, 1e-3
    slowest = float((HARD ** (1 - power)).min())

    def excess(log_constant: float) -> float:
        error = falling(power, float(np.exp(log_constant)), delay, steps, HARD).sum()
        return float(error * steps / (1.0 / HARD).sum())

    low = np.log(0.52 / slowest)
    return float(minimize_scalar(excess, bounds=(low, low + 4.0), method="bounded").fun)


def test_the_table_of_powers() -> None:
    """The notes' hard case: 3 times 20 modes, condition number 1e4."""
    found = [best_ratio(power) for power in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert found == pytest.approx([4.10, 1.98, 1.32, 1.07, 1.0], abs=6e-3)
    assert all(worse > better for worse, better in itertools.pairwise(found))
