"""Cycles of any length: known moments, the closed forms of two steps, draws, refusals."""

import numpy as np
import pytest

from theory.linear_representation import cycle_floor
from theory.linear_representation.variants.factors.input_factor_stale import LR_31
from theory.linear_representation.variants.factors.stale_cycle import (
    inverse_wishart_moments,
    stale_cycle,
)


def test_moments_of_one_dimension_are_those_of_an_inverse_chi_square() -> None:
    moments = inverse_wishart_moments(4, freedom=20, dim=1)
    expected = 1.0
    for degree in range(1, 5):
        expected /= 20 - 2 * degree
        same = [value for powers, value in moments.items() if sum(powers) == degree]
        assert np.allclose(same, expected, rtol=1e-12)


def test_moments_against_draws() -> None:
    """200000 draws at 30 degrees of freedom: the worst standard error is 0.4 percent."""
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((200_000, 30, 3))
    w = 1.0 / np.linalg.eigvalsh(rows.swapaxes(1, 2) @ rows)
    moments = inverse_wishart_moments(4, freedom=30, dim=3)
    for powers in ((3,), (2, 1), (1, 1, 1), (4,), (2, 2), (3, 1)):
        drawn = np.prod([(w**power).sum(1) for power in powers], axis=0).mean()
        assert moments[powers] == pytest.approx(float(drawn), rel=0.015)


@pytest.mark.parametrize(
    ("n", "d", "k", "eta"), [(30, 5, 2, 0.3), (40, 9, 1, 0.9), (16, 4, 2, 0.1)]
)
def test_two_steps_are_the_closed_forms(n: int, d: int, k: int, eta: float) -> None:
    sizes = {"step_size": eta, "batch_size": n, "input_dim": d, "rank": k}
    cycle = stale_cycle(2, step_size=eta, n=n, d=d, k=k)
    square = LR_31["cycle_square"].number(**sizes)
    assert (1 - eta) ** 2 * cycle.cycle_kept == pytest.approx(square, rel=1e-11)
    floor = cycle_floor(factor_every=2, step_size=eta, n=n, d=d, k=k)
    assert floor == pytest.approx(LR_31["cycle_floor"].number(**sizes), rel=1e-11)


def test_one_step_is_the_same_batch() -> None:
    floor = cycle_floor(factor_every=1, step_size=0.4, n=20, d=6, k=2)
    assert floor == pytest.approx(0.4 / 1.6 / 13)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"factor_every": 0}, "factor_every=0, needs an integer >= 1"),
        ({"factor_every": []}, "factor_every=.*, needs a real number"),
        ({"n": np.zeros(2)}, "n=.*, needs a real number"),
        ({"factor_every": 9}, r"factor_every=9, needs a number in \[-inf, 8\]"),
        ({"n": 15}, "n=15, needs an integer >= 16"),
        ({"k": 6}, "d=6, needs an integer >= 7"),
        ({"step_size": 0.0}, r"step_size=0.0, needs a number in \(0.0"),
        ({"step_size": 1.9}, "step_size=1.9: mean-square multiplier .* of a cycle of 3, needs < 1"),
    ],
)
def test_bad_arguments_are_refused(change: dict, message: str) -> None:
    arguments = {"factor_every": 3, "step_size": 0.3, "n": 40, "d": 6, "k": 2, **change}
    with pytest.raises(ValueError, match=message):
        cycle_floor(**arguments)
