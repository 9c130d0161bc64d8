"""Rows that a power of the curvature needs: values, the best step by minimisation, refusals."""

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from theory.linear_representation import samples_to_reach
from theory.linear_representation.variants.steps.powers import overhead_of

HEADS, SCHURS = np.array([2.0, 0.5]), np.array([1.0, 0.3, 0.1])
CASE = {"accuracy": 1e-4, "start": 1e-2, "noise_std": 0.3}


def fewest(theta: float) -> float:
    """Minimise over step sizes the rows after which floor and start together are the accuracy."""
    h = np.outer(HEADS, SCHURS).ravel()
    slowest, unit = h.min() ** (1 - theta), 0.3**2 * (h**-theta).sum() / 2

    def rows(floor: float) -> float:
        share = floor / CASE["accuracy"]
        folds = math.log(CASE["start"] / (CASE["accuracy"] * (1 - share)))
        return folds * unit / (2 * floor * slowest)

    bounds = (1e-3 * CASE["accuracy"], 0.999 * CASE["accuracy"])
    found = minimize_scalar(rows, bounds=bounds, method="bounded", options={"xatol": 1e-12})
    return float(found.fun)


@pytest.mark.parametrize("theta", [0.0, 0.25, 0.5, 1.0])
def test_the_closed_form_is_the_minimum_over_step_sizes(theta: float) -> None:
    found = samples_to_reach(theta, **CASE, head_eigenvalues=HEADS, schur_eigenvalues=SCHURS)
    assert found == pytest.approx(fewest(theta), rel=1e-6)


@pytest.mark.parametrize(("log_ratio", "overhead"), [(5.0, 8.09), (10.0, 13.61)])
def test_overheads(log_ratio: float, overhead: float) -> None:
    assert overhead_of(log_ratio) == pytest.approx(overhead, abs=6e-3)


def test_rows_fall_with_the_power_and_not_below_one_part_in_modes() -> None:
    rows = [
        samples_to_reach(p, **CASE, head_eigenvalues=HEADS, schur_eigenvalues=SCHURS)
        for p in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    assert all(a > b for a, b in itertools.pairwise(rows))
    assert rows[0] / rows[-1] < HEADS.size * SCHURS.size


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theta": 1.5}, r"theta=1.5, needs a number in \[0.0, 1.0\]"),
        ({"theta": "adam"}, r"theta='adam', needs a number in \[0, 1\] or 'muon'"),
        ({"accuracy": 0.0}, r"accuracy=0.0, needs a number in \(0.0"),
        ({"start": 1e-5}, r"start=1e-05, needs a number in \(0.0001"),
        ({"noise_std": 0.0}, "noise_std=0.0, needs"),
        ({"head_eigenvalues": [1.0, 0.0]}, "head_eigenvalues contains"),
    ],
)
def test_bad_arguments_are_refused(change: dict, message: str) -> None:
    arguments = {
        "theta": 0.5, **CASE, "head_eigenvalues": HEADS, "schur_eigenvalues": SCHURS, **change
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        samples_to_reach(arguments.pop("theta"), **arguments)
