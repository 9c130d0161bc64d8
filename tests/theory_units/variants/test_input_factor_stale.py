"""Cycles on one factor: means against draws of a Wishart matrix, and where the moments end."""

import numpy as np
import pytest

from theory.linear_representation.variants.factors.input_factor_stale import LR_31


def test_cycle_means_are_moments_of_an_inverse_wishart_matrix() -> None:
    """20000 draws at n = 40: standard errors of the means are below 0.1 percent."""
    n, d, k, eta = 40, 6, 2, 0.3
    rng = np.random.default_rng(5)
    rows = rng.standard_normal((20_000, n - k, d - k))
    w = 1.0 / np.linalg.eigvalsh(rows.swapaxes(1, 2) @ rows)
    left = 1.0 - eta * (n - k) * w
    sizes = {"step_size": eta, "batch_size": n, "input_dim": d, "rank": k}
    for part, power in (("cycle_of_two", 1), ("cycle_of_three", 2)):
        expected = (1.0 - eta) * float((left**power).mean())
        assert LR_31[part].number(**sizes) == pytest.approx(expected, rel=5e-3)


@pytest.mark.parametrize(
    ("rows", "every", "finite"), [(16, 3, True), (16, 4, False), (8, 2, False)]
)
def test_the_mean_square_is_finite_if_the_exponent_is_above_two(
    rows: int, every: int, finite: bool
) -> None:
    exponent = LR_31["tail"].number(batch_size=rows, input_dim=8, factor_every=every)
    assert (exponent > 2.0) == finite
    assert (every < 1 + (rows - 8 + 1) / 4) == finite
