"""LR-48: what statistics of other inputs cost."""

import numpy as np
import pytest

from theory.linear_representation import batch_norm_excess

G = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, -1.0]])
F = np.array([[1.0, 0.0], [0.5, 2.0]])
COV = np.array([[2.0, 0.3, 0.0], [0.3, 1.0, 0.2], [0.0, 0.2, 0.5]])


def excess(**changed):
    given = {"representation": G, "cov_x": COV, "cov_x_statistics": COV, **changed}
    return batch_norm_excess(F, **given)


def test_the_own_statistics_cost_nothing():
    assert excess() == 0.0


def test_inputs_four_times_as_wide_cost_a_quarter_of_predicting_zero():
    risk_zero = 0.5 * np.trace(F @ G @ COV @ G.T @ F.T)
    assert excess(cov_x_statistics=4.0 * COV) == pytest.approx(0.25 * risk_zero)
    assert excess(cov_x=4.0 * COV) == pytest.approx((2.0 - 1.0) ** 2 * 4.0 * risk_zero)


def test_a_turn_that_keeps_the_variances_costs_nothing():
    flip = np.diag([1.0, 1.0, -1.0])
    rows = np.eye(3)[:2]
    value = batch_norm_excess(F, representation=rows, cov_x=COV, cov_x_statistics=flip @ COV @ flip)
    assert value == 0.0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"representation": np.zeros((2, 3))}, "needs rows that are not zero"),
        ({"cov_x": -COV}, "cov_x has eigenvalue"),
        ({"cov_x_statistics": np.eye(2)}, "cov_x_statistics has shape"),
        ({"representation": G[:1]}, "representation has shape"),
    ],
)
def test_bad_arguments_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        excess(**wrong)
