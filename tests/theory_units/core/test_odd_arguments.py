"""Text, booleans, lists, None, complex and NaN where a number belongs: the argument is named."""

import math

import numpy as np
import pytest

from theory.core import guards
from theory.core.gauss.quadrature import gaussian_expectation
from theory.core.spectrum import Spectrum
from theory.linear_representation.contraction.cone import cone_contraction
from theory.single_index.damping import optimal_damping
from theory.single_index.features import feature_outliers, spike_count, spike_matrix
from theory.single_index.gradient import operator_ratio_rate
from theory.single_index.outlier import outlier
from theory.single_index.polar import edge_parameter
from theory.single_index.ridge import ridge_risk

NO_NUMBERS = ["0.1", True, np.True_, None, 1j, [0.1], b"1", {}, np.array(["1"]), float("nan")]
NO_COUNTS = [*NO_NUMBERS, 2.5, 0, -1, math.inf]
RIDGE = {
    "spectrum": Spectrum([1.0], [1.0]),
    "dimension": 20,
    "samples": 40,
    "ridge_samples": 50,
    "width": 30,
    "link": "tanh",
    "activation": "tanh",
    "noise_std": 0.1,
    "spike_strength": 1.0,
    "ridge": 0.1,
}
CASES = [
    (optimal_damping, {"aspect": 0.5, "c1": 1.0, "residual_var": 0.1}, ("aspect", "c1")),
    (outlier, {"strength": 1.0, "width_ratio": 1.0}, ("strength", "width_ratio")),
    (edge_parameter, {"step_size": 1.0, "width_ratio": 1.0}, ("step_size", "width_ratio")),
    (
        cone_contraction,
        {"tan_theta": 0.1, "condition_number": 2.0, "step_size": 0.5},
        ("tan_theta", "condition_number", "step_size"),
    ),
    (spike_count, {"alpha": 0.3}, ("alpha",)),
    (
        lambda **values: ridge_risk("sgd", **values),
        RIDGE,
        ("noise_std", "ridge", "spike_strength"),
    ),
]
COUNTS = [
    (operator_ratio_rate, {"width": 10}, ("width",)),
    (lambda **values: feature_outliers(np.eye(2), **values), {"samples": 4}, ("samples",)),
    (
        lambda **values: spike_matrix("tanh", spike_strength=1.0, spike_variance=1.0, **values),
        {"width": 10, "harmonics": 3},
        ("width", "harmonics"),
    ),
    (
        lambda **values: ridge_risk("sgd", **values),
        RIDGE | {"harmonics": 3},
        ("dimension", "samples", "ridge_samples", "width", "harmonics"),
    ),
]


def asked(cases, bad_values):
    return [
        pytest.param(function, values, name, bad, id=f"{number}-{name}-{bad!r}")
        for number, (function, values, names) in enumerate(cases)
        for name in names
        for bad in bad_values
    ]


@pytest.mark.parametrize(
    ("function", "values", "name", "bad"),
    [*asked(CASES, NO_NUMBERS), *asked(COUNTS, NO_COUNTS)],
)
def test_what_is_no_number_is_refused_by_name(function, values, name, bad):
    with pytest.raises(ValueError, match=f"{name}="):
        function(**{**values, name: bad})


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1.0), np.int64(1), np.array(1.0)])
def test_every_kind_of_number_is_one(value):
    assert guards.real("x", value) == 1.0
    assert guards.count("x", value) == 1


@pytest.mark.parametrize(
    "bad", ["12", ["1", "2"], [True, False], [1j], [[1.0], [1.0, 2.0]], [None]]
)
def test_arrays_hold_real_numbers(bad):
    with pytest.raises(ValueError, match="values="):
        guards.eigenvalues("values", bad)


@pytest.mark.parametrize("bad", [float("nan"), math.inf, "1", True, None])
def test_a_breakpoint_is_a_finite_number(bad):
    with pytest.raises(ValueError, match="breakpoints="):
        gaussian_expectation(lambda z: z[None], [bad])


def test_a_gram_matrix_is_finite_and_square():
    for gram in (np.ones((2, 3)), np.full((2, 2), np.nan), np.array([["a"]])):
        with pytest.raises(ValueError, match="gram"):
            feature_outliers(gram, samples=10)


@pytest.mark.parametrize(
    ("value", "options", "bounds"),
    [
        (1.0, {"low": 0.0, "high": 1.0, "open_high": True}, r"\[0\.0, 1\.0\)"),
        (1.5, {"low": 0.0, "high": 1.0}, r"\[0\.0, 1\.0\]"),
        (0.0, {"low": 0.0, "open_low": True}, r"\(0\.0, inf\]"),
    ],
)
def test_a_refused_number_names_its_bounds(value, options, bounds):
    with pytest.raises(ValueError, match=bounds):
        guards.number("x", value, **options)


def test_a_closed_bound_may_be_reached():
    assert guards.number("x", 1.0, low=0.0, high=1.0) == 1.0


def test_an_angle_outside_the_cone_names_the_edge():
    with pytest.raises(ValueError, match=r"needs < 1\.33333333"):
        cone_contraction(1.5, condition_number=4.0, step_size=0.5)
