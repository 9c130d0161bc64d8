"""Predicted steps against simulated ones in float64."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tests.theory_units.linear_representation.cases import (
    amgd_step,
    covariance,
    distance,
    head,
    kfac_step,
    orthonormal_rows,
    rotation,
    tangent,
    truth,
)
from theory.linear_representation import (
    amgd_lower_bound,
    amgd_sine_step,
    amgd_two_cycle,
    global_distance_bound,
    global_sine,
    global_tangent,
    tangent_step,
)

EPS = np.finfo(float).eps
SHAPES = ((1, 2, 1), (2, 5, 3), (3, 8, 3))


def draw(shape: tuple[int, int, int], condition_number: float, seed: int) -> tuple:
    k, d, m = shape
    rng = np.random.default_rng([seed, k, d, m])
    cov = covariance(d, condition_number, rng)
    F_star = head(m, np.linspace(0.5, 2.0, k), rng)
    T = 0.1 * rng.normal(size=(k, d - k))
    return rng, cov, F_star, T, np.hstack([np.eye(k), T])


@pytest.mark.parametrize("condition_number", [1.0, 10.0, 1e4])
@pytest.mark.parametrize("shape", SHAPES)
def test_kfac_tangent_step_is_what_one_step_does(shape: tuple, condition_number: float) -> None:
    rng, cov, F_star, T, G = draw(shape, condition_number, 1)
    gauge = rotation(shape[0], rng) * rng.uniform(0.5, 2.0, size=shape[0])
    simulated = tangent(kfac_step(gauge @ G, F_star, cov, 0.3))
    predicted = tangent_step("kfac", T, step_size=0.3, cov_x=cov)
    tolerance = 1e3 * EPS * condition_number * np.abs(predicted).max()
    assert_allclose(simulated, predicted, rtol=0, atol=tolerance)


@pytest.mark.parametrize("condition_number", [1.0, 10.0, 1e4])
@pytest.mark.parametrize("shape", SHAPES)
def test_amgd_tangent_step_is_what_one_step_does(shape: tuple, condition_number: float) -> None:
    _, cov, F_star, T, G = draw(shape, condition_number, 2)
    simulated = tangent(amgd_step(orthonormal_rows(G), F_star, cov, 0.3))
    predicted = tangent_step("amgd", T, step_size=0.3, cov_x=cov, head_gram=F_star.T @ F_star)
    tolerance = 1e3 * EPS * condition_number * np.abs(predicted).max()
    assert_allclose(simulated, predicted, rtol=0, atol=tolerance)


def test_amgd_tangent_step_has_the_isotropic_closed_form() -> None:
    _, _, F_star, T, _ = draw((2, 5, 3), 1.0, 3)
    H, eta = F_star.T @ F_star, 0.7
    cosines = np.linalg.inv(np.eye(2) + T @ T.T)
    left = np.eye(2) + eta * H @ T @ T.T @ cosines
    expected = np.linalg.solve(left, (np.eye(2) - eta * H @ cosines) @ T)
    assert_allclose(tangent_step("amgd", T, step_size=eta, head_gram=H), expected, rtol=1e-12)


def test_kfac_is_not_amgd() -> None:
    T = np.array([[0.3, -0.2]])
    cov = np.diag([1.0, 0.5, 0.1])
    kfac = tangent_step("kfac", T, step_size=0.5, cov_x=cov)
    amgd = tangent_step("amgd", T, step_size=0.5, cov_x=cov)
    assert np.abs(kfac - amgd).max() > 0.1 * np.abs(T).max()


@pytest.mark.parametrize("condition_number", [1.0, 50.0])
def test_angles_in_the_sigma_inner_product_follow_the_scalar_law(condition_number: float) -> None:
    rng, cov, F_star, _, _ = draw((3, 8, 4), condition_number, 4)
    G = rng.normal(size=(3, 8))
    root = np.linalg.cholesky(cov)

    def sigma_tangents(rows: np.ndarray) -> np.ndarray:
        cosines = np.linalg.svd(
            orthonormal_rows(rows @ root) @ orthonormal_rows(truth(3, 8) @ root).T,
            compute_uv=False,
        )
        return np.sort(np.tan(np.arccos(np.minimum(cosines, 1.0))))

    before, after = sigma_tangents(G), sigma_tangents(kfac_step(G, F_star, cov, 0.2))
    predicted = np.sort([global_tangent(t, step_size=0.2) for t in before])
    assert_allclose(after, predicted, rtol=1e-9 * condition_number)


def test_the_scalar_laws_of_sine_and_tangent_agree() -> None:
    for t in (0.01, 0.5, 3.0, 100.0):
        sine = t / math.sqrt(1 + t * t)
        after = global_tangent(t, step_size=0.3)
        expected = after / math.sqrt(1 + after * after)
        assert global_sine(sine, step_size=0.3) == pytest.approx(expected, rel=1e-10)
        assert global_sine(sine, step_size=0.3) <= 0.7 * sine * (1 + 4 * EPS)


@pytest.mark.parametrize("condition_number", [1.0, 10.0, 300.0])
def test_the_distance_bound_holds_along_a_run_and_beats_no_square_root(
    condition_number: float,
) -> None:
    rng, cov, F_star, _, _ = draw((2, 6, 3), condition_number, 5)
    root = np.linalg.cholesky(cov)
    largest = 0.0
    for _ in range(40):
        G = rng.normal(size=(2, 6))
        basis = orthonormal_rows(truth(2, 6) @ root)
        rows = orthonormal_rows(G @ root)
        start = float(np.linalg.norm(rows - rows @ basis.T @ basis, 2))
        for step in range(1, 15):
            G = kfac_step(G, F_star, cov, 0.3)
            bound = global_distance_bound(
                start, condition_number=condition_number, step_size=0.3, num_steps=step
            )
            assert distance(G) <= bound * (1 + 1e-9 * condition_number)
            largest = max(largest, distance(G) / (0.7**step * start))
    if condition_number > 100:
        assert largest > 1.5  # without sqrt(kappa) the statement is false


def test_amgd_sine_along_an_eigenvector() -> None:
    H = np.diag([0.5, 2.0])
    for axis in (0, 1):
        T = np.zeros((2, 3))
        T[axis, 1] = 0.8
        sine = 0.8 / math.sqrt(1.64)
        after = np.linalg.norm(tangent_step("amgd", T, step_size=0.6, head_gram=H), 2)
        expected = after / math.sqrt(1 + after**2)
        measured = amgd_sine_step(sine, scaled_step=0.6 * H[axis, axis])
        assert measured == pytest.approx(expected, rel=1e-12)


def test_the_two_cycle_repeats() -> None:
    sine = amgd_two_cycle(step_size=1.5, head_max=2.0)
    assert sine == pytest.approx(math.sqrt(0.5 - 1 / 3), rel=1e-15)
    T = np.array([[sine / math.sqrt(1 - sine**2), 0.0]])
    once = tangent_step("amgd", T, step_size=1.5, head_gram=[[2.0]])
    assert_allclose(once, -T, rtol=1e-12)
    with pytest.raises(ValueError, match="needs a number in"):
        amgd_two_cycle(step_size=1.0, head_max=2.0)


def test_amgd_never_beats_the_lower_bound_and_the_constant_is_needed() -> None:
    rng = np.random.default_rng(6)
    tightest = math.inf
    for _ in range(300):
        kappa = float(10 ** rng.uniform(0, 3))
        scaled_max = float(rng.uniform(0.01, 2.0))
        start = sine = float(rng.uniform(0.01, 0.99))
        for step in range(1, 30):
            sine = amgd_sine_step(sine, scaled_step=scaled_max / kappa)
            bound = amgd_lower_bound(start, head_condition_number=kappa, num_steps=step)
            assert sine >= bound * (1 - 1e-10)
            if bound > 0:
                tightest = min(tightest, sine / bound)
    assert tightest < 1.05
    # At the best step size the small-angle rate is 1 - 2/(kappa + 1): no constant below 2 works.
    kappa, sine = 100.0, 1e-6
    best = amgd_sine_step(sine, scaled_step=2 / (kappa + 1))
    assert best / sine == pytest.approx(1 - 2 / (kappa + 1), rel=1e-9)
    assert best / sine < (1 - 1.9 / kappa)
