"""Bad input raises ValueError with the value and the bound; a NaN is never returned."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import theory.linear_representation as linear
from theory.core.formula import numeric
from theory.linear_representation import (
    admissible_tangent,
    amgd_lower_bound,
    amgd_sine_step,
    cone_angle,
    cone_contraction,
    damped_eigenvalues,
    gauss_newton_rank,
    global_distance_bound,
    global_sine,
    global_tangent,
    gradient_bias,
    headline_bound,
    kfac_spectrum,
    local_rate,
    noise_pivot,
    tangent_floor,
    tangent_step,
    transfer_bound,
    transfer_excess,
)
from theory.linear_representation.notation import eta, kappa

NAN = math.nan
FLOOR = {
    "step_size": 0.1,
    "noise_std": 0.1,
    "n": 50,
    "head_eigenvalues": [1.0],
    "schur_eigenvalues": [1.0, 2.0],
}
BIAS = {"cov_x": np.eye(3), "rank": 1, "output_dim": 2, "n": 20}
HEADLINE = {
    "step_size": 0.1,
    "noise_std": 0.1,
    "n": 100,
    "input_dim": 4,
    "rank": 2,
    "head_min_singular": 1.0,
    "failure_probability": 0.1,
    "cov_min": 1.0,
}
SKEWED = np.array([[1.0, 0.1], [0.0, 1.0]])

BAD: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    (tangent_step, ("sgd", [[0.1]]), {"step_size": 0.1}, "method='sgd', needs one of"),
    (tangent_step, ("kfac", [0.1]), {"step_size": 0.1}, "T has shape"),
    (tangent_step, ("kfac", [[NAN]]), {"step_size": 0.1}, "T contains"),
    (tangent_step, ("kfac", [[0.1]]), {"step_size": -0.1}, "step_size=-0.1, needs"),
    (tangent_step, ("kfac", [[0.1]]), {"step_size": NAN}, "step_size=nan, needs"),
    (tangent_step, ("kfac", [[0.1]]), {"step_size": 0.1, "cov_x": np.eye(3)}, "cov_x has shape"),
    (tangent_step, ("kfac", [[0.1]]), {"step_size": 0.1, "cov_x": -np.eye(2)}, "needs > 0"),
    (tangent_step, ("kfac", [[0.1]]), {"step_size": 0.1, "cov_x": SKEWED}, "asymmetric by"),
    (tangent_step, ("amgd", [[0.1]]), {"step_size": 0.1, "head_gram": [[0.0]]}, "needs > 0"),
    (local_rate, ("kfac2",), {"step_size": 0.1}, "method='kfac2'"),
    (local_rate, ("amgd",), {"step_size": 0.1}, "head_eigenvalues=None"),
    (
        local_rate,
        ("amgd",),
        {"step_size": 0.1, "head_eigenvalues": [1.0, -1.0], "schur_eigenvalues": [1.0]},
        "head_eigenvalues contains",
    ),
    (local_rate, ("kfac",), {"step_size": 0.1, "damping": -1.0}, "damping=-1.0, needs"),
    (local_rate, ("kfac",), {"step_size": 0.1, "damping": 1.0}, "cov_x=None"),
    (local_rate, ("kfac_joint",), {"step_size": 0.1}, "head_step_size=None"),
    (local_rate, ("ngd_empirical",), {"step_size": 0.1, "noise_std": 0.0}, "noise_std=0.0, needs"),
    (cone_angle, (0.5,), {}, "condition_number=0.5, needs"),
    (cone_contraction, (0.1,), {"condition_number": 4.0, "step_size": 1.1}, "step_size=1.1"),
    (cone_contraction, (-0.1,), {"condition_number": 4.0, "step_size": 0.1}, "tan_theta=-0.1"),
    (admissible_tangent, (), {"condition_number": NAN, "step_size": 0.1}, "condition_number=nan"),
    (tangent_floor, ("kfac",), {**FLOOR, "n": 4}, "n=4, needs an integer >= 5"),
    (tangent_floor, ("kfac",), {**FLOOR, "step_size": 2.0}, "step_size=2.0, needs"),
    (tangent_floor, ("amgd",), {**FLOOR, "step_size": 1.5}, "mean-square gain"),
    (tangent_floor, ("amgd_large_batch",), {**FLOOR, "step_size": 1.0}, "step_size=1.0, needs"),
    (tangent_floor, ("ngd_empirical",), FLOOR, "output_dim=None"),
    (tangent_floor, ("ngd_empirical",), {**FLOOR, "output_dim": 2}, "step_size=0.1, needs"),
    (tangent_floor, ("muon",), FLOOR, "needs all 1"),
    (tangent_floor, ("sgd",), FLOOR, "method='sgd'"),
    (gradient_bias, ("none",), BIAS, "setting='none'"),
    (gradient_bias, ("same_batch",), {**BIAS, "n": 2}, "n=2, needs an integer >= 3"),
    (gradient_bias, ("same_batch",), {**BIAS, "rank": 3}, "rank=3, needs < input_dim=3"),
    (gradient_bias, ("heteroscedastic",), BIAS, "variance_weighted_cov=None"),
    (global_tangent, (-1.0,), {"step_size": 0.1}, "tan_theta=-1.0"),
    (global_sine, (1.0,), {"step_size": 0.1}, "sin_theta=1.0"),
    (
        global_distance_bound,
        (0.5,),
        {"condition_number": 4.0, "step_size": 0.1, "num_steps": -1},
        "num_steps=-1",
    ),
    (amgd_sine_step, (1.5,), {"scaled_step": 0.1}, "sine=1.5"),
    (amgd_lower_bound, (1.0,), {"head_condition_number": 2.0, "num_steps": 1}, "distance=1.0"),
    (damped_eigenvalues, (np.eye(2),), {"rank": 2, "damping": 0.1}, "rank=2, needs < input_dim=2"),
    (gauss_newton_rank, (), {"input_dim": 3, "output_dim": 1, "rank": 2}, "output_dim=1"),
    (headline_bound, (0.1,), {**HEADLINE, "failure_probability": 0.0}, "failure_probability=0.0"),
    (headline_bound, (0.1,), {**HEADLINE, "rank": 4}, "rank=4, needs < input_dim=4"),
    (
        kfac_spectrum,
        (),
        {"step_size": 0.1, "head_step_size": 0.1, "rank": 3, "input_dim": 2, "output_dim": 3},
        "input_dim=2, needs an integer >= 3",
    ),
    (
        noise_pivot,
        ([[0.1]],),
        {"row_covariance": [[0.0]], "column_covariance": [[1.0]]},
        "row_covariance has eigenvalue",
    ),
    (transfer_bound, ([[1.0]],), {"cov_max": 1.0, "distance": 1.1}, "distance=1.1"),
    (
        transfer_excess,
        ([[1.0, 0.0]],),
        {
            "representation": [[1.0, 0.0, 0.0], [2.0, 0.0, 0.0]],
            "representation_star": np.eye(3)[:2],
            "cov_x": np.eye(3),
        },
        "needs independent rows",
    ),
    (
        transfer_excess,
        ([[1.0]],),
        {
            "representation": [[1.0, 0.0]],
            "representation_star": [[1.0, 0.0]],
            "cov_x": np.eye(2),
            "n": 2,
        },
        "n=2, needs an integer >= 3",
    ),
]


@pytest.mark.parametrize(
    ("function", "positional", "keywords", "message"),
    BAD,
    ids=[f"{row[0].__name__}-{row[3][:24]}" for row in BAD],
)
def test_bad_input_is_named(
    function: Callable[..., Any],
    positional: tuple[Any, ...],
    keywords: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(ValueError, match=message.replace("[", r"\[")):
        function(*positional, **keywords)


def test_a_step_that_ends_orthogonal_has_no_tangent() -> None:
    # t = 1 and w = (-0.5 + 0.375) / (1 - 0.5) = -0.25: exactly 1 + eta t w = 0 at eta = 4.
    cov = np.array([[1.0, -0.5], [-0.5, 0.375]])
    with pytest.raises(ValueError, match="orthogonal to the truth"):
        tangent_step("kfac", [[1.0]], step_size=4.0, cov_x=cov)


def test_exported_names_exist() -> None:
    assert all(hasattr(linear, name) for name in linear.__all__)


def test_numeric_functions_take_code_names_and_broadcast() -> None:
    function = numeric(eta**2 + kappa)
    result = function(step_size=np.array([1.0, 2.0]), condition_number=3.0)
    assert result.tolist() == [4.0, 7.0]
    with pytest.raises(KeyError):
        function(step_size=1.0)
